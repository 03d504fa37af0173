import { hasCode } from '../tenure-error.ts';

/**
 * Why a term is over. `expired`: not renewed in time. `closed`: the elector was closed. The others are the service's
 * words.
 */
export type LossReason = 'expired' | 'superseded' | 'revoked' | 'resigned' | 'closed';

export interface Loss {
  readonly reason: LossReason;
  /** For people: names both versions, or the operator's reason. */
  readonly detail: string;
  /** The version that holds the group now, where the service said so. */
  readonly currentVersion?: number;
  /** The term was resigned because an operator asked for a hand-over. */
  readonly handedOver?: boolean;
}

/**
 * What `term.signal` aborts with.
 *
 * @example
 * ```ts
 * import { LeadershipLostError, type Term } from 'tenure';
 *
 * async function work(term: Term, once: (signal: AbortSignal) => Promise<void>) {
 *   try {
 *     while (term.isLeader()) await once(term.signal);
 *   } catch (error) {
 *     if (!(error instanceof LeadershipLostError)) throw error;
 *     console.log(`version ${term.fencingVersion} is over: ${error.loss.reason}`);
 *   }
 * }
 * ```
 */
export class LeadershipLostError extends Error {
  override readonly name = 'LeadershipLostError';
  readonly code = 'leadership_lost';

  constructor(readonly loss: Loss) {
    super(loss.detail);
  }
}

const reasons: readonly string[] = ['expired', 'superseded', 'revoked', 'resigned'] satisfies LossReason[];

/** The loss that an answer tells of, if it does. */
export function lossOf(error: unknown): Loss | undefined {
  if (!hasCode(error, 'leadership_lost')) return undefined;
  const { reason, fencingVersion } = error.members;
  return {
    reason: reasons.includes(String(reason)) ? (reason as LossReason) : 'superseded',
    detail: error.message,
    ...(typeof fencingVersion === 'number' && { currentVersion: fencingVersion }),
  };
}
