/** Groups and terms for operators, and the sweep of leases that expired long ago. */
import { type Clock, instant } from '../store/clock.ts';
import type { ShownAddresses } from './addresses.ts';
import type { GroupStore } from './group-table.ts';
import {
  availableInMs,
  barOf,
  endOfNewestTerm,
  isPending,
  type LeadershipRecord,
  shownLeader,
  sweepStep,
} from './lease.ts';
import type { Term } from './lease-store.ts';
import { revisionOf } from './revision.ts';

/** A group's leadership as observers see it. */
export function toLeadershipView(record: LeadershipRecord | undefined, now: number) {
  const leader = record && shownLeader(record, now);
  return {
    leader: leader
      ? {
          contenderId: leader.contenderId,
          sessionId: leader.sessionId,
          address: leader.address,
          metadata: (leader.metadata ?? null) as never,
          confirmedAt: instant(leader.confirmedAt),
          expiresAt: instant(leader.expiresAt),
        }
      : null,
    fencingVersion: record?.fencingVersion ?? 0,
    pending: record !== undefined && isPending(record, now),
  };
}

/** The same for a contender that waits for the lease: when it can be taken, and by whom. */
export function toObservation(
  record: LeadershipRecord | undefined,
  { addresses, changes }: ShownAddresses,
  now: number,
  maxClockSkewMs: number,
) {
  const view = {
    ...toLeadershipView(record, now),
    addresses,
    availableInMs: availableInMs(record, now, maxClockSkewMs),
    revision: revisionOf(record, now, changes),
  };
  if (!record) return view;
  const { reservedFor, reservedUntil = 0 } = record;
  const bar = barOf(record, now);
  return {
    ...view,
    ...(record.holder?.instanceId !== undefined && { instanceId: record.holder.instanceId }),
    ...(reservedFor !== undefined && reservedUntil >= now && { reservedFor }),
    ...(bar && { barred: { instanceId: bar.instanceId, until: instant(bar.until) } }),
    ...handOverView(record.handOverTo),
    ...(record.restoring !== undefined && { restoring: record.restoring }),
  };
}

/** A request for a hand-over names nobody when the first to contend shall follow. */
export function handOverView(successor: string | undefined) {
  return successor === undefined ? {} : { handOver: successor === '' ? {} : { successor } };
}

/** A confirmed term as it is listed; the record knows the end of the newest one before its TERM does. */
export function toTermView(term: Term, record: LeadershipRecord | undefined, now: number) {
  const known = record?.newestTerm === term.fencingVersion ? endOfNewestTerm(record, now) : undefined;
  const endedAt = term.endedAt ?? known?.at;
  const endReason = term.endReason ?? known?.reason;
  const endDetail = term.endDetail ?? known?.detail;
  return {
    fencingVersion: term.fencingVersion,
    contenderId: term.contenderId,
    sessionId: term.sessionId,
    address: term.address ?? '',
    ...(term.grantedAt === undefined ? {} : { grantedAt: instant(term.grantedAt) }),
    confirmedAt: instant(term.confirmedAt ?? 0),
    ...(term.leaseMs === undefined ? {} : { leaseMs: term.leaseMs }),
    ...(endedAt === undefined ? {} : { endedAt: instant(endedAt) }),
    ...(endReason === undefined ? {} : { endReason }),
    ...(endDetail === undefined ? {} : { endDetail }),
  };
}

export interface Swept {
  groups: number;
  expired: number;
  closed: number;
}

/**
 * Looks at every group once: ends terms whose lease is longer gone than one lease time, and writes the ends of terms
 * that no successor has written. Live terms are not touched: each write is conditioned on what was read.
 */
export async function sweep(store: GroupStore, clock: Clock, maxClockSkewMs: number): Promise<Swept> {
  const swept: Swept = { groups: 0, expired: 0, closed: 0 };
  let after: string | undefined;
  do {
    const page = await store.listGroups(after, 100);
    for (const record of await store.readRecords(page.items)) {
      const now = clock.now();
      const step = sweepStep(record, now, maxClockSkewMs);
      const ending = endOfNewestTerm(record, now);
      if (step === 'expire' && (await store.expire(record, now))) swept.expired += 1;
      if (step === 'close' && ending && (await store.close(record, ending))) swept.closed += 1;
    }
    swept.groups += page.items.length;
    after = page.last;
  } while (after !== undefined);
  return swept;
}
