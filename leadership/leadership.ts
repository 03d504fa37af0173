/**
 * The steps of a term once it is granted: confirm, renew, resign, revoke. Each is one conditional write of the store.
 */
import type { Fence } from '../api/fence.ts';
import { ProblemError } from '../api/problem.ts';
import { leadershipLost } from '../api/problems/leadership.ts';
import { refuseReusedKey } from '../store/idempotency.ts';
import { mark } from '../store/marks.ts';
import { retryConflicts } from '../store/retry-conflicts.ts';
import { type Timing, timely } from '../store/timely.ts';
import type { LeadershipRecord } from './lease.ts';
import * as lease from './lease.ts';
import type { LeaseStore, LeaseWrite, Published, Renewal, Resignation, Revocation } from './lease-store.ts';

export interface Leadership extends Timing {
  readonly store: LeaseStore;
  readonly maxClockSkewMs: number;
}

/** Why a fence is refused that is not that of the running term; other rooms refuse it in the same words. */
export function termLost(group: string, fence: Fence, record: LeadershipRecord | undefined): ProblemError {
  const { reason, fencingVersion, detail } = lease.lossOf(record, fence);
  const why = detail === undefined ? reason : `${reason}: ${detail}`;
  return new ProblemError(
    leadershipLost,
    `Term ${fence.fencingVersion} of group "${group}" has ended (${why}); the group is at version ${fencingVersion}. Stop its work and contend again.`,
    { reason, fencingVersion },
  );
}

/** Why an operator cannot end this term: it says what is, in place of what was asked for. */
function notRunning(group: string, asked: number, record: LeadershipRecord | undefined): ProblemError {
  const { reason, fencingVersion } = lease.lossOf(record, { fencingVersion: asked, sessionId: '' });
  return new ProblemError(leadershipLost, `${standOf(group, asked, record)} Nothing was changed.`, {
    reason,
    fencingVersion,
  });
}

function standOf(group: string, asked: number, record: LeadershipRecord | undefined): string {
  if (!record) return `Group "${group}" has no term ${asked}: nobody has led it.`;
  const { fencingVersion, holder, ended } = record;
  const at = `the group is at version ${fencingVersion}`;
  if (asked > fencingVersion) return `Group "${group}" has no term ${asked} yet: ${at}.`;
  if (asked < fencingVersion) {
    const leads = holder ? `, held by "${holder.contenderId}"` : '';
    return `Term ${asked} of group "${group}" is over: ${at}${leads}. To end the running term, give version ${fencingVersion}.`;
  }
  return `Term ${asked} of group "${group}" is over already (${ended?.reason ?? 'expired'}): nobody holds the lease.`;
}

/** Against another confirmation, or a sweep, of the same record. */
const confirmTries = 5;
/** Against a renewal that finds its holder damaged again after it was restored. */
const renewTries = 3;

/**
 * Publishes the leader once it is ready; again with the same fence it publishes the new address. Throws
 * `leadership_lost` when the term has ended. Costs one read besides the transaction, since a transaction cannot copy
 * the end of the term before from one item to another.
 */
export async function confirm(leadership: Leadership, group: string, fence: Fence, published: Published) {
  const { store, clock } = leadership;
  let seen = await store.read(group, true);
  return retryConflicts({ tries: confirmTries, of: `the record of group "${group}"` }, async () => {
    if (!seen || !lease.isLive(seen, fence, clock.now())) throw termLost(group, fence, seen);
    const record: LeadershipRecord = seen;
    const { holder, expiresAt = 0 } = record;
    if (holder?.confirmedAt !== undefined && samePublished(holder, published))
      return { kind: 'done', value: { confirmedAt: holder.confirmedAt, expiresAt } };
    const { answer: write, now } = await timely(leadership, (now) => store.confirm(record, fence, published, now));
    seen = write.lost;
    if (write.kind === 'lost') return { kind: 'conflict' };
    const { won } = write;
    const value = { confirmedAt: won.holder?.confirmedAt ?? now, expiresAt: won.expiresAt ?? expiresAt };
    return { kind: 'done', value };
  });
}

function samePublished(holder: lease.Holder, published: Published): boolean {
  return holder.address === published.address && JSON.stringify(holder.metadata) === JSON.stringify(published.metadata);
}

export interface Renewed {
  readonly expiresAt: number;
  /** Set once an operator has asked for a hand-over; empty when the first to contend shall follow. */
  readonly handOverTo?: string | undefined;
}

/**
 * Extends the lease from now. A delayed renewal never shortens it: the later expiry stays and is returned. An address
 * given here restores leader information that was damaged; it never confirms a term. Throws `leadership_lost`.
 */
export async function renew(leadership: Leadership, group: string, fence: Fence, renewal: Renewal): Promise<Renewed> {
  const { store } = leadership;
  return retryConflicts({ tries: renewTries, of: `the record of group "${group}"` }, async () => {
    const { answer: write, now } = await timely(leadership, (now) => store.renew(group, fence, renewal, now));
    const found = findingOf(write, fence, renewal, now);
    if (found.kind === 'ended') throw termLost(group, fence, write.lost);
    const { handOverTo } = write.won ?? write.lost ?? {};
    if (found.kind === 'extended') return { kind: 'done', value: { expiresAt: found.expiresAt, handOverTo } };
    const repaired = await repair(leadership, group, fence, renewal);
    if (found.kind === 'without confirmation')
      return { kind: 'done', value: { expiresAt: repaired?.won?.expiresAt ?? found.expiresAt, handOverTo } };
    if (repaired?.kind !== 'won') throw termLost(group, fence, write.lost);
    mark('holder-written-back');
    return { kind: 'conflict' };
  });
}

/** The outcome of a renewal. */
type Finding =
  | { readonly kind: 'extended'; readonly expiresAt: number }
  /** The leader publishes an address and is not confirmed: its confirmation was damaged, or it confirms later. */
  | { readonly kind: 'without confirmation'; readonly expiresAt: number }
  /** The term runs, and the record does not say that it is this one's: its TERM knows. */
  | { readonly kind: 'without its holder' }
  | { readonly kind: 'ended' };

function findingOf(write: LeaseWrite, fence: Fence, { address }: Renewal, now: number): Finding {
  const record = write.won ?? write.lost;
  if (write.kind === 'won' || lease.isLive(record, fence, now)) {
    const expiresAt = record?.expiresAt ?? now;
    const isConfirmed = record?.holder?.confirmedAt !== undefined;
    return { kind: address === undefined || isConfirmed ? 'extended' : 'without confirmation', expiresAt };
  }
  return { kind: lease.isRunning(record, fence.fencingVersion, now) ? 'without its holder' : 'ended' };
}

/** Writes the holder back as its TERM knows it; undefined when the TERM is not that of the fence. */
async function repair(
  leadership: Leadership,
  group: string,
  fence: Fence,
  renewal: Renewal,
): Promise<LeaseWrite | undefined> {
  const { store } = leadership;
  const term = await store.readTerm(group, fence.fencingVersion);
  if (term?.sessionId !== fence.sessionId || term.confirmedAt === undefined || term.endedAt !== undefined)
    return undefined;
  return (await timely(leadership, (now) => store.restoreHolder(group, term, renewal, now))).answer;
}

/**
 * Ends the caller's term at once; a successor gets the next lease for itself for one lease time. The process that
 * resigns leaves the lease to others for as long, unless it says `stayOut: false`. Throws `leadership_lost`.
 */
export async function resign(
  { store, clock }: Leadership,
  group: string,
  fence: Fence,
  { successor, stayOut = true, reason }: Partial<Resignation>,
  requestId: string,
): Promise<void> {
  const { won, lost: winner } = await store.resign(
    group,
    fence,
    { successor, stayOut, reason },
    requestId,
    clock.now(),
  );
  refuseReusedKey(winner?.ended?.requestId, requestId, `the end of term ${winner?.fencingVersion} of group "${group}"`);
  const earlierTry = winner?.fencingVersion === fence.fencingVersion && winner.ended?.requestId === requestId;
  if (earlierTry) mark('resignation-tried-again');
  if (!won && !earlierTry) throw termLost(group, fence, winner);
}

export interface HandOver {
  readonly fencingVersion: number;
  readonly successor?: string | undefined;
  readonly dryRun?: boolean;
}

/**
 * Asks the leader of the term that the operator saw to stop its work and to resign, in favour of the successor if there
 * is one. It learns of it with its next renewal; one that does not hear is revoked. Throws `leadership_lost` when that
 * term no longer runs.
 */
export async function handOver(
  { store }: Leadership,
  group: string,
  { fencingVersion, successor, dryRun = false }: HandOver,
): Promise<{ readonly contenderId: string }> {
  if (dryRun) {
    const seen = await findRunning(store, group, fencingVersion);
    return { contenderId: seen.holder?.contenderId ?? 'unknown' };
  }
  const { won, lost: winner } = await store.askHandOver(group, fencingVersion, successor);
  if (!won) throw notRunning(group, fencingVersion, winner);
  return { contenderId: won.holder?.contenderId ?? 'unknown' };
}

export interface Revoked {
  readonly revoked: boolean;
  readonly contenderId: string;
  readonly takeoverAt: number;
}

/**
 * Ends the term that the operator saw. The lease can be taken when it would have expired, or at once with `force`: then
 * the revoked leader's own deadline has not passed yet. Throws `leadership_lost` when that term no longer runs.
 */
export async function revoke(
  leadership: Leadership,
  group: string,
  order: Revocation & { dryRun: boolean },
  requestId: string,
): Promise<Revoked> {
  const { store, clock, maxClockSkewMs } = leadership;
  const now = clock.now();
  const winner = order.dryRun
    ? await findRunning(store, group, order.fencingVersion)
    : await revokeTerm(store, group, order, requestId, now);
  const takeoverAt = order.force ? now : Math.max(now, (winner.expiresAt ?? now) + maxClockSkewMs);
  return {
    revoked: !order.dryRun,
    contenderId: winner.holder?.contenderId ?? winner.revokedContender ?? 'unknown',
    takeoverAt,
  };
}

async function findRunning(store: LeaseStore, group: string, fencingVersion: number): Promise<LeadershipRecord> {
  const record = await store.read(group, true);
  if (record?.fencingVersion === fencingVersion && record.holder) return record;
  throw notRunning(group, fencingVersion, record);
}

async function revokeTerm(
  store: LeaseStore,
  group: string,
  order: Revocation,
  requestId: string,
  now: number,
): Promise<LeadershipRecord> {
  const { won, lost: winner } = await store.revoke(group, order, requestId, now);
  if (won) return won;
  refuseReusedKey(winner?.ended?.requestId, requestId, `the end of term ${winner?.fencingVersion} of group "${group}"`);
  if (winner?.fencingVersion === order.fencingVersion && winner.ended?.requestId === requestId) {
    mark('revocation-tried-again');
    return winner;
  }
  throw notRunning(group, order.fencingVersion, winner);
}
