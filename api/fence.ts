import * as z from 'zod/mini';
import { fencingVersion, sessionId, wholeText } from './schema.ts';

/** Proof that a request comes from the leader: the version that guarded stores compare, and the session of its term. */
export interface Fence {
  readonly fencingVersion: number;
  readonly sessionId: string;
}

export const fenceHeaders = z.object({
  'Fencing-Version': z.pipe(wholeText(1), fencingVersion),
  'Leader-Session': sessionId,
});
