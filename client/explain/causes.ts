/** Why a term ended and the next began, with what shows it. Pure. */
import { assertNever } from '../../api/assert-never.ts';
import { defaultClockSkewMs } from '../../api/clock-skew.ts';
import type { Gap, Tenure } from './tenures.ts';
import { span, time, versions } from './words.ts';

export interface Cause {
  readonly because: string;
  readonly evidence: readonly string[];
}

/** How a term ended. */
export function endOf(tenure: Tenure, now: number): Cause {
  const { contenderId, endedAt, endReason, endDetail, leaseMs } = tenure;
  const at = endedAt ?? now;
  switch (endReason) {
    case 'resigned':
      return {
        because: `${contenderId} resigned: ${endDetail ?? 'its work was done, or it was asked to hand over'}`,
        evidence: [],
      };
    case 'revoked':
      return {
        because: `an operator revoked it${endDetail ? ` (“${endDetail}”)` : ''}`,
        evidence: endDetail ? [`the revocation at ${time(at, now)} gives the reason “${endDetail}”`] : [],
      };
    case 'expired':
    case 'superseded':
      return {
        because: `${contenderId} stopped renewing: its process froze or ended, or its requests no longer arrived`,
        evidence: leaseMs
          ? [
              `last renewal ${time(at - leaseMs, now)}; the lease of ${span(leaseMs)} ran out at ${time(at, now)}`,
              `a leader renews every ${span(leaseMs / 3)}, so three renewals in a row are missing`,
            ]
          : [`the lease ran out at ${time(at, now)} without a resignation`],
      };
    case undefined:
      return { because: 'it still runs', evidence: [] };
    default:
      return assertNever(endReason);
  }
}

/** Why nobody was shown as the leader for so long. */
export function causeOf(gap: Gap, now: number): Cause {
  if (!gap.before) return { because: 'no leader was confirmed before', evidence: [] };
  const { because, evidence } = endOf(gap.before, now);
  return { because, evidence: [...evidence, ...waitingIn(gap)] };
}

/** The time between the end of one term and the confirmation of the next. */
export function waitingIn({ before, after, unconfirmed, from, ms }: Gap): string[] {
  if (!after) return [`nobody has been confirmed for ${span(ms)}`];
  const evidence: string[] = [];
  if (before && unconfirmed > 0) {
    const which = versions(before.version + 1, after.version - 1);
    const were = unconfirmed === 1 ? 'was' : 'were';
    evidence.push(`${which} ${were} granted and never confirmed: those leaders did not get ready`);
  }
  if (after.grantedAt === undefined) return evidence;
  if (before) evidence.push(...waitOf(before, after.grantedAt - from));
  const readyMs = after.confirmedAt - after.grantedAt;
  return readyMs > 0
    ? [...evidence, `${after.contenderId} got ready and was confirmed ${span(readyMs)} after the grant`]
    : evidence;
}

/** The reasons for which a contender had to wait. */
function waitOf({ endReason, leaseMs }: Tenure, waited: number): string[] {
  if (endReason === 'revoked' && leaseMs !== undefined && waited > defaultClockSkewMs)
    return ['without force the lease stays taken until its old expiry'];
  if ((endReason === 'expired' || endReason === 'superseded') && waited >= defaultClockSkewMs)
    return [`the first ${defaultClockSkewMs} ms of it are the allowance for clock skew`];
  return [];
}

/**
 * Clocks of the service that disagree: a term cannot be confirmed before it is granted, nor granted before the lease of
 * the one before has ended. Undefined while they agree.
 */
export function clockDoubt(
  before: Tenure | undefined,
  { version, grantedAt, confirmedAt }: Tenure,
): string | undefined {
  if (grantedAt === undefined) return undefined;
  if (confirmedAt < grantedAt - defaultClockSkewMs)
    return `version ${version} was confirmed ${span(grantedAt - confirmedAt)} before its grant: the clock that granted it is ahead by at least that`;
  const { endedAt, endReason } = before ?? {};
  if (endReason === 'expired' && endedAt !== undefined && grantedAt < endedAt)
    return `version ${version} was granted ${span(endedAt - grantedAt)} before the lease before it ended: the clock that renewed that is ahead`;
  return undefined;
}
