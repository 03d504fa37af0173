/** The terms of a period, and what lay between them. Pure. */
import type { Facts, Term } from './facts.ts';

/** One term on the time line; instants in epoch ms. */
export interface Tenure {
  readonly version: number;
  readonly contenderId: string;
  readonly address: string;
  readonly grantedAt?: number | undefined;
  readonly confirmedAt: number;
  /** Undefined while it runs. */
  readonly endedAt?: number | undefined;
  readonly endReason?: Term['endReason'] | undefined;
  /** The operator's words for a revocation. */
  readonly endDetail?: string | undefined;
  readonly leaseMs?: number | undefined;
}

/** A time without a confirmed leader. */
export interface Gap {
  readonly from: number;
  /** Undefined while it lasts. */
  readonly to?: number | undefined;
  readonly ms: number;
  readonly before?: Tenure | undefined;
  readonly after?: Tenure | undefined;
  /** Versions that were granted meanwhile and never confirmed. */
  readonly unconfirmed: number;
}

/** A record that was lost is made again this far above the highest version. */
const versionGap = 1_000;

/** Oldest first. */
export function tenuresOf(terms: readonly Term[]): Tenure[] {
  return terms
    .map((term) => ({
      version: term.fencingVersion,
      contenderId: term.contenderId,
      address: term.address,
      grantedAt: term.grantedAt === undefined ? undefined : Date.parse(term.grantedAt),
      confirmedAt: Date.parse(term.confirmedAt),
      endedAt: term.endedAt === undefined ? undefined : Date.parse(term.endedAt),
      endReason: term.endReason,
      endDetail: term.endDetail,
      leaseMs: term.leaseMs,
    }))
    .sort((one, other) => one.version - other.version);
}

/** The gaps that lie in the period at least in part, cut to it. */
export function gapsOf(tenures: readonly Tenure[], { since, now }: Pick<Facts, 'since' | 'now'>): Gap[] {
  const gaps: Gap[] = [];
  for (const [at, before] of tenures.entries()) {
    const after = tenures[at + 1];
    const end = before.endedAt ?? (after ? after.confirmedAt : now);
    const to = after?.confirmedAt ?? now;
    if (to <= end || to <= since) continue;
    const from = Math.max(end, since);
    const unconfirmed = after ? unconfirmedBetween(before, after) : 0;
    gaps.push({ from, to: after?.confirmedAt, ms: to - from, before, after, unconfirmed });
  }
  return gaps;
}

/** The time between a term and the next confirmed one. */
export function gapBetween(before: Tenure, after: Tenure): Gap {
  const from = before.endedAt ?? after.confirmedAt;
  const unconfirmed = unconfirmedBetween(before, after);
  return { from, to: after.confirmedAt, ms: after.confirmedAt - from, before, after, unconfirmed };
}

/** Versions that were granted between two terms, and never confirmed. */
function unconfirmedBetween(before: Tenure, after: Tenure): number {
  const skipped = after.version - before.version - 1;
  return skipped >= versionGap - 1 ? 0 : skipped;
}

export interface Availability {
  /** The period that is known, which begins with the group's first term if that is younger. */
  readonly from: number;
  readonly to: number;
  readonly ledMs: number;
  readonly gapMs: number;
  /** Of the period, in per cent; undefined when nothing of it is known. */
  readonly percent?: number | undefined;
  readonly gaps: number;
  readonly longest?: Gap | undefined;
}

export function availabilityOf(tenures: readonly Tenure[], period: Pick<Facts, 'since' | 'now'>): Availability {
  const [first] = tenures;
  const to = period.now;
  const from = Math.min(to, Math.max(period.since, first?.confirmedAt ?? to));
  const gaps = gapsOf(tenures, { since: from, now: to });
  const gapMs = gaps.reduce((sum, { ms }) => sum + ms, 0);
  const longest = gaps.reduce<Gap | undefined>((most, gap) => (most && most.ms >= gap.ms ? most : gap), undefined);
  const whole = to - from;
  const ledMs = whole - gapMs;
  return { from, to, ledMs, gapMs, ...(whole > 0 && { percent: (100 * ledMs) / whole }), gaps: gaps.length, longest };
}
