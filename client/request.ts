import type * as z from 'zod/mini';
import type { Operation } from '../api/operation.ts';
import { TenureError } from './tenure-error.ts';

/** Proof that a request comes from the leader; a Term is one. */
export interface Fence {
  readonly fencingVersion: number;
  readonly sessionId: string;
}

export interface CallOptions {
  /** Ends the call; its reason is thrown. */
  readonly signal?: AbortSignal;
  /** The same for a repeated call makes the server tell it from a new one; made for each call unless given. */
  readonly idempotencyKey?: string;
  /** Longest wait for one try, in ms. */
  readonly timeoutMs?: number;
  /** Longest time for all tries, in ms; the first may take its timeout all the same. */
  readonly deadlineMs?: number;
  /** False for a single try. */
  readonly retry?: boolean;
}

type Part<Key extends string, Schema extends z.ZodMiniType> =
  Record<string, never> extends z.input<Schema>
    ? { readonly [K in Key]?: z.input<Schema> }
    : { readonly [K in Key]: z.input<Schema> };

type FencePart<Need> = Need extends 'required'
  ? { readonly fence: Fence }
  : Need extends 'optional'
    ? { readonly fence?: Fence | undefined }
    : { readonly fence?: undefined };

type HeadersPart<Names> =
  Names extends Readonly<Record<string, unknown>>
    ? { readonly headers: { readonly [Name in keyof Names]: string } }
    : { readonly headers?: undefined };

/** An operation's input, by its declaration: only required parts must be given. */
export type CallRequest<Declared extends Operation> = Part<'params', Declared['params']> &
  Part<'query', Declared['query']> &
  Part<'body', Declared['body']> &
  FencePart<Declared['fence']> &
  HeadersPart<Declared['headers']> &
  CallOptions;

/** The same, once the compiler need not know which operation it is. */
export interface AnyRequest extends CallOptions {
  readonly params?: unknown;
  readonly query?: unknown;
  readonly body?: unknown;
  readonly fence?: Fence | undefined;
  readonly headers?: Readonly<Record<string, string>> | undefined;
}

export interface HttpRequest {
  readonly method: Operation['method'];
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string;
  /** Method and path, for messages. */
  readonly name: string;
}

/**
 * Builds the HTTP request of an operation. Input that does not fit its schemas never leaves the process: it is refused
 * as the server would, `invalid_request` with `issues`.
 */
export function buildRequest(base: string, operation: Operation, request: AnyRequest): HttpRequest {
  const { params = {}, query = {}, body = {}, fence, headers } = request;
  const name = `${operation.method} ${operation.path}`;
  const check = (schema: z.ZodMiniType, value: unknown) => {
    const read = schema.safeParse(value);
    if (!read.success) throw invalid(read.error, name);
  };
  check(operation.params, params);
  check(operation.query, query);
  check(operation.body, body);
  const path = operation.path.replaceAll(/\{(\w+)\}/g, (_, key: string) =>
    encodeURIComponent(String((params as Record<string, unknown>)[key])),
  );
  const writes = operation.method !== 'GET';
  const key = request.idempotencyKey ?? (writes && operation.key !== 'optional' ? crypto.randomUUID() : undefined);
  return {
    method: operation.method,
    url: `${base}${path}${queryOf(query as Record<string, unknown>)}`,
    name: `${operation.method} ${path}`,
    headers: {
      Accept: 'application/json',
      ...headers,
      ...(fence && { 'Fencing-Version': String(fence.fencingVersion), 'Leader-Session': fence.sessionId }),
      ...(writes && {
        'Content-Type': 'application/json',
      }),
      ...(key !== undefined && { 'Idempotency-Key': key }),
    },
    ...(writes && { body: JSON.stringify(body) }),
  };
}

function queryOf(query: Record<string, unknown>): string {
  const given = new URLSearchParams();
  for (const [key, value] of Object.entries(query)) if (value !== undefined) given.set(key, String(value));
  return given.size > 0 ? `?${given}` : '';
}

function invalid(error: z.core.$ZodError, request: string): TenureError {
  const issues = error.issues.map(({ path, message }) => ({ path: path.map(String).join('.'), message }));
  const text = issues.map(({ path, message }) => (path ? `${path}: ${message}` : message)).join('; ');
  const facts = { code: 'invalid_request', status: 400, retryable: false, members: { issues }, request };
  return new TenureError(`${text}; nothing was sent.`, facts, { cause: error });
}
