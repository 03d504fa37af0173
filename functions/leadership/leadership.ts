/** The steps of a term: contend, confirm, renew, resign, revoke, observe. Each is one conditional write of the store. */
import { randomUUID } from 'node:crypto';
import type { Fence } from '../../api/fence.ts';
import { Problem } from '../../api/problem.ts';
import { groupRestoring, leadershipHeld, leadershipLost } from '../../api/problems/leadership.ts';
import { instant } from '../platform/clock.ts';
import { type Timing, timely } from '../platform/timely.ts';
import type { LeadershipRecord } from './lease.ts';
import * as lease from './lease.ts';
import type { Grant, LeaseStore, Published, Renewal, Revocation, Write } from './lease-store.ts';

export interface Leadership extends Timing {
  readonly store: LeaseStore;
  readonly maxClockSkewMs: number;
}

export interface Contender {
  readonly contenderId: string;
  /** 1,000 to 3,600,000 ms. */
  readonly leaseMs: number;
}

export interface GrantedTerm {
  readonly fencingVersion: number;
  readonly sessionId: string;
  readonly leaseMs: number;
  /** What is left of the lease: less than `leaseMs` when a live term is handed back. The holder's own deadline counts from this. */
  readonly remainingMs: number;
  readonly expiresAt: number;
}

/**
 * Asks for the lease. A contender that holds the live term, and a retry of the request that was granted it, get the same
 * term back. Throws `leadership_held` with the time to sleep while another holds it, `leadership_lost` when a late retry
 * finds its own term ended, `group_restoring` during a restore.
 */
export async function contend(
  room: Leadership,
  group: string,
  contender: Contender,
  requestId: string,
): Promise<GrantedTerm> {
  const { store, clock, maxClockSkewMs } = room;
  const grant: Grant = { ...contender, sessionId: randomUUID(), requestId };
  let write = await store.grant(group, grant, clock.now(), maxClockSkewMs);
  for (let attempt = 0; !write.won && !write.lost && attempt < 5; attempt += 1) {
    write = await create(room, group, grant);
    if (!write.won) write = await store.grant(group, grant, clock.now(), maxClockSkewMs);
  }
  const now = clock.now();
  const record = write.won ?? sameTerm(write.lost, contender, now);
  if (!record) throw refusal(room, group, write.lost, requestId);
  if (record.fencingVersion % lease.floorEvery === 0) await store.writeFloor(group, record.fencingVersion);
  const { leaseMs = contender.leaseMs, expiresAt = 0 } = record;
  return {
    fencingVersion: record.fencingVersion,
    sessionId: record.holder?.sessionId ?? grant.sessionId,
    leaseMs,
    remainingMs: write.won ? leaseMs : expiresAt - now,
    expiresAt,
  };
}

/** Only a group that had a record before asks for its recreations, and then for its versions again: what is read first must be older. */
async function create({ store, clock }: Leadership, group: string, grant: Grant): Promise<Write> {
  const isNew = (await store.highestVersion(group)) === 0;
  if (isNew) return store.create(group, lease.firstVersion, grant, clock.now());
  const recreation = await store.lastRecreation(group);
  const version = (await store.highestVersion(group)) + lease.versionGap;
  return store.create(group, version, grant, clock.now(), recreation);
}

function sameTerm(record: LeadershipRecord | undefined, { contenderId }: Contender, now: number) {
  if (record?.holder?.contenderId !== contenderId || (record.expiresAt ?? 0) <= now) return undefined;
  return record;
}

function refusal(
  { clock, maxClockSkewMs, random = Math.random }: Leadership,
  group: string,
  record: LeadershipRecord | undefined,
  requestId: string,
): Problem {
  if (record?.restoring) {
    return new Problem(
      groupRestoring,
      `Group "${group}" is being restored (${record.restoring}); contend again when it has finished.`,
      { retryAfterMs: 5_000 },
    );
  }
  const now = clock.now();
  if (record?.requestId === requestId && !(record.holder && (record.expiresAt ?? 0) > now)) {
    const fence = { fencingVersion: record.fencingVersion, sessionId: record.holder?.sessionId ?? '' };
    return lost(group, fence, lease.lossOf(record, fence));
  }
  if (!record) {
    return new Problem(leadershipHeld, `The record of group "${group}" changes too fast; contend again.`, {
      holder: null,
      retryAfterMs: 100,
    });
  }
  const occupant = lease.occupant(record, now);
  const until = occupant?.until ?? now;
  const whose = occupant
    ? `${occupant.reserved ? 'is reserved for' : 'is held by'} "${occupant.contenderId}"`
    : 'was just released';
  return new Problem(
    leadershipHeld,
    `The lease of group "${group}" ${whose} (fencing version ${record.fencingVersion}) until ${instant(until)}; contend again after that.`,
    {
      holder: occupant
        ? {
            contenderId: occupant.contenderId,
            fencingVersion: record.fencingVersion,
            confirmed: occupant.confirmed,
            expiresAt: instant(until),
          }
        : null,
      retryAfterMs: lease.retryAfterMs(until, record.leaseMs ?? 0, now, maxClockSkewMs, random()),
    },
  );
}

/** What a fence is told that is not that of the running term; other rooms answer the same. */
export function termLost(group: string, fence: Fence, record: LeadershipRecord | undefined): Problem {
  return lost(group, fence, lease.lossOf(record, fence));
}

function lost(
  group: string,
  fence: Pick<Fence, 'fencingVersion'>,
  { reason, fencingVersion, detail }: lease.Loss,
): Problem {
  const why = detail === undefined ? reason : `${reason}: ${detail}`;
  return new Problem(
    leadershipLost,
    `Term ${fence.fencingVersion} of group "${group}" has ended (${why}); the group is at version ${fencingVersion}. Stop its work and contend again.`,
    { reason, fencingVersion },
  );
}

/**
 * Publishes the leader once it is ready; again with the same fence it publishes the new address. Throws `leadership_lost`
 * when the term has ended. Costs one read besides the transaction, since a transaction cannot copy the end of the term
 * before from one item to another.
 */
export async function confirm(room: Leadership, group: string, fence: Fence, published: Published) {
  const { store, clock } = room;
  let seen = await store.read(group, true);
  for (let attempt = 0; attempt < 5; attempt += 1) {
    if (!seen || !lease.isLive(seen, fence, clock.now())) throw lost(group, fence, lease.lossOf(seen, fence));
    const record: LeadershipRecord = seen;
    const { holder, expiresAt = 0 } = record;
    if (holder?.confirmedAt !== undefined && samePublished(holder, published))
      return { confirmedAt: holder.confirmedAt, expiresAt };
    const { answer: write, now } = await timely(room, (now) => store.confirm(record, fence, published, now));
    if (write.won)
      return { confirmedAt: write.won.holder?.confirmedAt ?? now, expiresAt: write.won.expiresAt ?? expiresAt };
    seen = write.lost;
  }
  throw new Error(`The record of group "${group}" changed five times during a confirmation`);
}

function samePublished(holder: lease.Holder, published: Published): boolean {
  return holder.address === published.address && JSON.stringify(holder.metadata) === JSON.stringify(published.metadata);
}

/**
 * Extends the lease from now. A delayed renewal never shortens it: the later expiry stays and is answered. An address given
 * here restores leader information that another hand damaged; it never confirms a term. Throws `leadership_lost`.
 */
export async function renew(
  room: Leadership,
  group: string,
  fence: Fence,
  renewal: Renewal,
): Promise<{ expiresAt: number }> {
  const { store } = room;
  const { answer: write, now } = await timely(room, (now) => store.renew(group, fence, renewal, now));
  const record = write.won ?? write.lost;
  const live = write.won !== undefined || lease.isLive(record, fence, now);
  const damaged = live
    ? renewal.address !== undefined && record?.holder?.confirmedAt === undefined
    : isDamaged(record, fence, now);
  const repaired = damaged ? await repair(room, group, fence, renewal) : undefined;
  if (repaired?.won) return live ? { expiresAt: repaired.won.expiresAt ?? now } : renew(room, group, fence, renewal);
  if (!live) throw lost(group, fence, lease.lossOf(record, fence));
  return { expiresAt: record?.expiresAt ?? now };
}

function isDamaged(record: LeadershipRecord | undefined, fence: Fence, now: number): boolean {
  return (
    record?.fencingVersion === fence.fencingVersion &&
    !record.ended &&
    !record.restoring &&
    (record.expiresAt ?? 0) > now
  );
}

async function repair(room: Leadership, group: string, fence: Fence, renewal: Renewal): Promise<Write | undefined> {
  const { store } = room;
  const term = await store.readTerm(group, fence.fencingVersion);
  if (term?.sessionId !== fence.sessionId || term.confirmedAt === undefined || term.endedAt !== undefined)
    return undefined;
  return (await timely(room, (now) => store.restoreHolder(group, term, renewal, now))).answer;
}

/** Ends the own term at once; a successor gets the next lease for itself for one lease time. Throws `leadership_lost`. */
export async function resign(
  { store, clock }: Leadership,
  group: string,
  fence: Fence,
  successor: string | undefined,
  requestId: string,
) {
  const { won, lost: winner } = await store.resign(group, fence, successor, requestId, clock.now());
  const earlierTry = winner?.fencingVersion === fence.fencingVersion && winner.ended?.requestId === requestId;
  if (!won && !earlierTry) throw lost(group, fence, lease.lossOf(winner, fence));
}

export interface Revoked {
  readonly revoked: boolean;
  readonly contenderId: string;
  readonly takeoverAt: number;
}

/**
 * Ends the term that the operator saw. The lease can be taken when it would have expired, or at once with `force`: then the
 * revoked leader's own deadline has not passed yet. Throws `leadership_lost` when that term no longer runs.
 */
export async function revoke(
  room: Leadership,
  group: string,
  order: Revocation & { dryRun: boolean },
  requestId: string,
): Promise<Revoked> {
  const { store, clock, maxClockSkewMs } = room;
  const now = clock.now();
  const winner = order.dryRun
    ? await revocable(store, group, order)
    : await revoked(store, group, order, requestId, now);
  const takeoverAt = order.force ? now : Math.max(now, (winner.expiresAt ?? now) + maxClockSkewMs);
  return {
    revoked: !order.dryRun,
    contenderId: winner.holder?.contenderId ?? winner.revokedContender ?? 'unknown',
    takeoverAt,
  };
}

async function revocable(store: LeaseStore, group: string, order: Revocation): Promise<LeadershipRecord> {
  const record = await store.read(group, true);
  if (record?.fencingVersion === order.fencingVersion && record.holder) return record;
  throw lost(group, order, lease.lossOf(record, { fencingVersion: order.fencingVersion, sessionId: '' }));
}

async function revoked(
  store: LeaseStore,
  group: string,
  order: Revocation,
  requestId: string,
  now: number,
): Promise<LeadershipRecord> {
  const { won, lost: winner } = await store.revoke(group, order, requestId, now);
  if (won) return won;
  if (winner?.fencingVersion === order.fencingVersion && winner.ended?.requestId === requestId) return winner;
  throw lost(group, order, lease.lossOf(winner, { fencingVersion: order.fencingVersion, sessionId: '' }));
}
