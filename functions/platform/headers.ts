import * as z from 'zod/mini';
import { type Fence, fenceHeaders, idempotencyKey } from '../../api/fence.ts';
import { fenceRequired, invalidRequest, ProblemError } from '../../api/problem.ts';

type Header = (name: string) => string | undefined;

/**
 * Reads the fence; `undefined` when neither header is there and the operation does not require it (428
 * `fence_required`).
 */
export function readFence(header: Header, need: 'required' | 'optional'): Fence | undefined {
  const given = { 'Fencing-Version': header('Fencing-Version'), 'Leader-Session': header('Leader-Session') };
  const missing = Object.entries(given).flatMap(([name, value]) => (value === undefined ? [name] : []));
  if (missing.length === 2 && need === 'optional') return undefined;
  if (missing.length > 0) {
    throw new ProblemError(
      fenceRequired,
      `Missing: ${missing.join(' and ')}; send both headers as contend returned them.`,
    );
  }
  const read = fenceHeaders.safeParse(given);
  if (!read.success) throw invalid(read.error);
  return { fencingVersion: read.data['Fencing-Version'], sessionId: read.data['Leader-Session'] };
}

const keyHeader = z.object({ 'Idempotency-Key': idempotencyKey });

/** The caller's Idempotency-Key, if there is one. */
export function readIdempotencyKey(header: Header): string | undefined {
  const given = header('Idempotency-Key');
  if (given === undefined) return undefined;
  const read = keyHeader.safeParse({ 'Idempotency-Key': given });
  if (!read.success) throw invalid(read.error);
  return given;
}

const neverEmpty = ['Fencing-Version', 'Leader-Session', 'Idempotency-Key'];

/** An empty header is a mistake, on every route: taken for an absent one, a writer would be elected unfenced. */
export function refuseEmptyHeaders(header: Header): void {
  const issues = neverEmpty
    .filter((name) => header(name) === '')
    .map((path) => ({ path, message: 'must not be empty; leave the header out instead' }));
  const [first] = issues;
  if (first)
    throw new ProblemError(invalidRequest, `${first.path}: ${first.message}; nothing was written.`, { issues });
}

/** Turns a failed validation into `invalid_request` that lists every issue with its path. */
export function invalid(error: z.core.$ZodError): ProblemError {
  const issues = error.issues.slice(0, 20).map(({ path, message }) => ({ path: path.map(String).join('.'), message }));
  const [first] = issues;
  const detail = first ? `${first.path || 'The request'}: ${first.message}` : 'The request is not valid';
  return new ProblemError(invalidRequest, `${detail}; nothing was written.`, { issues });
}
