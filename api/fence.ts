import * as z from 'zod/mini';
import { maxVersion } from './ballot.ts';
import { sessionId, wholeText } from './schema.ts';

/** Proof that a request comes from the leader: the version that guarded stores compare, and the session of its term. */
export interface Fence {
  readonly fencingVersion: number;
  readonly sessionId: string;
}

export const fenceHeaders = z.object({
  'Fencing-Version': wholeText(1, maxVersion),
  'Leader-Session': sessionId,
});

/** Distinguishes the retry of a writing request from a new one. */
export const idempotencyKey = z
  .string()
  .check(z.regex(/^[\x21-\x7e]{1,64}$/, 'must be 1 to 64 visible ASCII characters'));
