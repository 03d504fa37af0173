/**
 * The request that an Idempotency-Key stands for. A request is identified by its key and its content:
 *
 *   requestId = <16 characters of the key's digest>.<16 characters of the digest of method, path and body>
 *
 * Records that remember a request store this text, so that a key that comes back with another request is told from a
 * retry at no cost. Other routes keep the keys that they get in items of their own, see `key` of an operation.
 */
import { createHash, randomUUID } from 'node:crypto';
import { idempotencyKeyReused, ProblemError } from '../api/problem.ts';

const length = 16;
const pattern = /^[\w-]{16}\.[\w-]{16}$/;

/** An empty key stands for a request that nobody repeats. */
export function requestIdOf(key: string, method: string, path: string, body: Uint8Array): string {
  const ofKey = createHash('sha256').update(key || randomUUID());
  const ofRequest = createHash('sha256').update(`${method} ${path}\n`).update(body);
  return [ofKey, ofRequest].map((hash) => hash.digest('base64url').slice(0, length)).join('.');
}

/** The part of a request id that stands for the key alone; the whole of an id that the service made for itself. */
export const keyOf = (requestId: string): string => (pattern.test(requestId) ? requestId.slice(0, length) : requestId);

/** Whether the remembered request had the same key and was another request. */
export function isKeyReused(remembered: string | undefined, requestId: string): boolean {
  return remembered !== undefined && remembered !== requestId && keyOf(remembered) === keyOf(requestId);
}

/**
 * Throws `idempotency_key_reused` when the remembered request had the same key and was another one; `operation` names
 * that.
 */
export function refuseReusedKey(remembered: string | undefined, requestId: string, operation: string): void {
  if (isKeyReused(remembered, requestId)) throw keyReused(operation);
}

/** `operation` names the request that the key stands for. */
export const keyReused = (operation: string): ProblemError =>
  new ProblemError(
    idempotencyKeyReused,
    `This Idempotency-Key came with another request before: ${operation}. Send a new key with each new request. Nothing was written.`,
    { operation },
  );

/**
 * A request id in 16 characters instead of 33, for records whose size counts: 8 for the key, 8 for the request. The id
 * that the service made for itself stays whole.
 */
export function shortId(requestId: string): { readonly key: string; readonly id: string } {
  if (!pattern.test(requestId)) return { key: requestId, id: requestId };
  const key = requestId.slice(0, length / 2);
  return { key, id: key + requestId.slice(length + 1, length + 1 + length / 2) };
}

/** The requests that one process has carried out last, by group and key. */
export class RecentRequests {
  readonly #most: number;
  readonly #remembered = new Map<string, { readonly requestId: string; readonly operation: string }>();

  constructor(most = 2_000) {
    this.#most = most;
  }

  /** Throws `idempotency_key_reused`. */
  refuseReusedKey(scope: string, requestId: string): void {
    const remembered = this.#remembered.get(scope + keyOf(requestId));
    if (remembered) refuseReusedKey(remembered.requestId, requestId, remembered.operation);
  }

  remember(scope: string, requestId: string, operation: string): void {
    const key = scope + keyOf(requestId);
    this.#remembered.delete(key);
    this.#remembered.set(key, { requestId, operation });
    const [oldest] = this.#remembered.keys();
    if (this.#remembered.size > this.#most && oldest !== undefined) this.#remembered.delete(oldest);
  }
}
