import { hasCode, TenureError } from '../tenure-error.ts';

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
 * The reason with which `term.signal` aborts: a TenureError `leadership_lost` that no single request caused.
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
export class LeadershipLostError extends TenureError {
  override readonly name: string = 'LeadershipLostError';
  override readonly code = 'leadership_lost' as const;

  constructor(readonly loss: Loss) {
    const { reason, detail, currentVersion: fencingVersion } = loss;
    const members = { reason, ...(fencingVersion !== undefined && { fencingVersion }) };
    super(detail, { code: 'leadership_lost', status: 409, retryable: false, members, request: 'the term' });
  }
}

const reasons: readonly string[] = ['expired', 'superseded', 'revoked', 'resigned'] satisfies LossReason[];

/** The loss that an answer of the service tells of, if it is one: the end of a term here is none. */
export function lossOf(error: unknown): Loss | undefined {
  if (error instanceof LeadershipLostError) return undefined;
  if (!hasCode(error, 'leadership_lost')) return undefined;
  const { reason, fencingVersion } = error.members;
  return {
    reason: reasons.includes(String(reason)) ? (reason as LossReason) : 'superseded',
    detail: error.message,
    ...(typeof fencingVersion === 'number' && { currentVersion: fencingVersion }),
  };
}
