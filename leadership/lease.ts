/**
 * A lease's record and the rules that depend on the record alone. Pure: no SDK, no clock.
 *
 * Not guaranteed: that only one process *believes* to lead. A frozen process does not know that its lease ran out, so
 * safety rests on the fencing version alone, which only ever rises and which every guarded write carries. Clocks decide
 * only when a lease may be taken over; skew beyond the allowance costs availability and the exactness of the handover,
 * never safety.
 */
import { assertNever } from '../api/assert-never.ts';
import type { Fence } from '../api/fence.ts';

export interface Holder {
  readonly contenderId: string;
  /** Which process of that name. */
  readonly instanceId?: string | undefined;
  readonly sessionId: string;
  readonly grantedAt: number;
  readonly confirmedAt?: number | undefined;
  readonly address?: string | undefined;
  readonly metadata?: unknown;
}

export type EndReason = 'expired' | 'superseded' | 'revoked' | 'resigned';

/** How a term ended; kept on the record until the next grant. */
export interface Ending {
  readonly reason: EndReason;
  /** Epoch ms; unknown for a lease that was taken over after it expired. */
  readonly at?: number | undefined;
  /** The operator's words for a revocation. */
  readonly detail?: string | undefined;
  readonly requestId?: string | undefined;
}

/**
 * One item per group: lock, leader information and version together, so that one compare fences all. Instants in epoch
 * ms.
 */
export interface LeadershipRecord {
  readonly group: string;
  /** Never falls; survives resignation. */
  readonly fencingVersion: number;
  readonly holder?: Holder | undefined;
  readonly leaseMs?: number | undefined;
  /** Stays behind a revoked holder, since the lease may be taken only then. */
  readonly expiresAt?: number | undefined;
  /** Of the write that granted the version. */
  readonly requestId?: string | undefined;
  /** How the term of `fencingVersion` ended, when nobody holds it. */
  readonly ended?: Ending | undefined;
  /** Whose term was revoked without force; until its old expiry nobody else gets the lease. */
  readonly revokedContender?: string | undefined;
  readonly reservedFor?: string | undefined;
  readonly reservedUntil?: number | undefined;
  /** The process whose term ended: it waits until then, so that a hand-over hands over. */
  readonly barredInstance?: string | undefined;
  readonly barredUntil?: number | undefined;
  /** An operator asked the holder to resign, in favour of this contender unless it is empty. */
  readonly handOverTo?: string | undefined;
  /** How often this term has changed its named addresses; undefined while it has none. */
  readonly addressChanges?: number | undefined;
  /** The newest version that has a TERM item. */
  readonly newestTerm?: number | undefined;
  /** The newest TERM item whose end is written. */
  readonly closedTerm?: number | undefined;
  /** How the term before the running one ended; kept until the next confirmation writes it to its TERM. */
  readonly previous?: Ending | undefined;
  readonly previousExpiresAt?: number | undefined;
  /** The restore that owns the group for now. */
  readonly restoring?: string | undefined;
}

/**
 * A record's state, without regard to the time: a lease that nobody renewed is `held` until a contender or the sweep
 * finds it. `damaged`: the holder is gone and nothing says how its term ended.
 */
export type LeaseState =
  | { readonly kind: 'held'; readonly holder: Holder; readonly expiresAt: number }
  | { readonly kind: 'restoring'; readonly restoreId: string }
  | { readonly kind: 'revoked'; readonly contenderId: string; readonly expiresAt: number; readonly ended: Ending }
  | { readonly kind: 'reserved'; readonly successor: string; readonly until: number; readonly ended: Ending }
  | { readonly kind: 'free'; readonly ended: Ending }
  | { readonly kind: 'damaged'; readonly expiresAt: number };

const expired: Ending = { reason: 'expired' };

export function leaseState(record: LeadershipRecord): LeaseState {
  const { holder, restoring, revokedContender, reservedFor, reservedUntil = 0, expiresAt = 0, ended } = record;
  if (holder) return { kind: 'held', holder, expiresAt };
  if (restoring !== undefined) return { kind: 'restoring', restoreId: restoring };
  if (revokedContender !== undefined)
    return { kind: 'revoked', contenderId: revokedContender, expiresAt, ended: ended ?? expired };
  if (reservedFor !== undefined)
    return { kind: 'reserved', successor: reservedFor, until: reservedUntil, ended: ended ?? expired };
  return ended ? { kind: 'free', ended } : { kind: 'damaged', expiresAt };
}

/** `restoring` of a group that is being deleted begins so: as during a restore, nobody can lead it. */
export const deletionPrefix = 'deletion-';

/** A record that was lost reappears this far above the highest version known, which may be one FLOOR behind. */
export const versionGap = 1_000;
export const firstVersion = 1;
/** Every grant of such a version leaves a FLOOR, since unconfirmed terms leave no TERM. */
export const floorEvery = 500;

/** Throws when the allowance for skew would eat half the lease: the holder's own deadline would hardly exist. */
export function relationIssue(leaseMs: number, maxClockSkewMs: number): string | undefined {
  if (maxClockSkewMs < leaseMs / 2) return undefined;
  return `leaseMs is ${leaseMs}, maxClockSkewMs is ${maxClockSkewMs}: the skew must be below half the lease; ask for a lease above ${2 * maxClockSkewMs} ms`;
}

/** Whether the fence is that of the term which runs now. */
export function isLive(record: LeadershipRecord | undefined, fence: Fence, now: number): boolean {
  return (
    record?.fencingVersion === fence.fencingVersion &&
    record.holder?.sessionId === fence.sessionId &&
    (record.expiresAt ?? 0) > now
  );
}

/** Whether the version still runs, though its holder may have been damaged: its TERM knows who holds it. */
export function isRunning(record: LeadershipRecord | undefined, fencingVersion: number, now: number): boolean {
  return (
    record?.fencingVersion === fencingVersion && !record.ended && !record.restoring && (record.expiresAt ?? 0) > now
  );
}

export interface Loss {
  readonly reason: EndReason;
  /** The version that the group has now; 0 when its record is gone. */
  readonly fencingVersion: number;
  readonly detail?: string | undefined;
}

/** Why the fence is not that of the running term. Only to be asked when `isLive` denies it. */
export function lossOf(record: LeadershipRecord | undefined, fence: Fence): Loss {
  if (!record) return { reason: 'revoked', fencingVersion: 0, detail: "the group's record was removed" };
  const { fencingVersion } = record;
  if (fencingVersion !== fence.fencingVersion) return { reason: 'superseded', fencingVersion };
  const state = leaseState(record);
  switch (state.kind) {
    case 'held':
      return { reason: state.holder.sessionId === fence.sessionId ? 'expired' : 'superseded', fencingVersion };
    case 'revoked':
    case 'reserved':
    case 'free':
      return { reason: state.ended.reason, fencingVersion, detail: state.ended.detail };
    case 'restoring':
      return { reason: record.ended?.reason ?? 'expired', fencingVersion, detail: record.ended?.detail };
    case 'damaged':
      return { reason: 'expired', fencingVersion };
    default:
      return assertNever(state);
  }
}

/** The confirmed leader of a live term with readable information; nothing else is ever shown (L2). */
export function shownLeader({ holder, expiresAt = 0 }: LeadershipRecord, now: number) {
  if (holder?.confirmedAt === undefined || holder.address === undefined || expiresAt <= now) return undefined;
  const { contenderId, sessionId, address, metadata, confirmedAt } = holder;
  return { contenderId, sessionId, address, metadata, confirmedAt, expiresAt };
}

export function isPending({ holder, expiresAt = 0 }: LeadershipRecord, now: number): boolean {
  return holder !== undefined && holder.confirmedAt === undefined && expiresAt > now;
}

export interface Occupant {
  readonly contenderId: string;
  readonly instanceId?: string | undefined;
  readonly confirmed: boolean;
  /** Epoch ms, without the allowance for skew. */
  readonly until: number;
  readonly reserved: boolean;
}

/**
 * Who keeps the others from the lease: its holder, a revoked holder until its old expiry, or a successor it is reserved
 * for.
 */
export function occupantOf(record: LeadershipRecord, now: number): Occupant | undefined {
  const state = leaseState(record);
  switch (state.kind) {
    case 'held': {
      const { contenderId, instanceId, confirmedAt } = state.holder;
      return { contenderId, instanceId, confirmed: confirmedAt !== undefined, until: state.expiresAt, reserved: false };
    }
    case 'revoked':
      if (state.expiresAt <= now) return undefined;
      return { contenderId: state.contenderId, confirmed: false, until: state.expiresAt, reserved: false };
    case 'reserved':
      if (state.until <= now) return undefined;
      return { contenderId: state.successor, confirmed: false, until: state.until, reserved: true };
    case 'restoring':
    case 'free':
    case 'damaged':
      return undefined;
    default:
      return assertNever(state);
  }
}

export interface Bar {
  readonly instanceId: string;
  /** Epoch ms. */
  readonly until: number;
}

/**
 * The process that may not take the lease again yet; undefined once the bar has passed, and while somebody holds the
 * lease.
 */
export function barOf({ holder, barredInstance, barredUntil = 0 }: LeadershipRecord, now: number): Bar | undefined {
  if (holder || barredInstance === undefined || barredUntil < now) return undefined;
  return { instanceId: barredInstance, until: barredUntil };
}

/** ms until somebody else can take the lease, as far as the record knows; 0 when it can be taken now. */
export function availableInMs(record: LeadershipRecord | undefined, now: number, maxClockSkewMs: number): number {
  if (!record) return 0;
  const { expiresAt } = record;
  const expiry = expiresAt === undefined ? 0 : expiresAt + maxClockSkewMs + 1 - now;
  const reservation = (record.reservedUntil ?? 0) + 1 - now;
  return Math.max(0, expiry, record.reservedFor === undefined ? 0 : reservation);
}

/** Waiting contenders sleep until the lease can be taken, spread a little so that they do not come as one. */
export function retryAfterMs(
  until: number,
  leaseMs: number,
  now: number,
  maxClockSkewMs: number,
  random: number,
): number {
  const jitter = Math.min(100, leaseMs / 20) * random;
  return Math.max(10, Math.ceil(until - now + maxClockSkewMs + 1 + jitter));
}

export type SweepStep = 'expire' | 'close' | 'leave';

/**
 * The sweep's work on a record: an end for a lease that is long gone, the end of a TERM that its successor has not
 * written.
 */
export function sweepStep(record: LeadershipRecord, now: number, maxClockSkewMs: number): SweepStep {
  const { holder, expiresAt = 0, leaseMs = 0, newestTerm, closedTerm, fencingVersion, ended } = record;
  if (holder && expiresAt + leaseMs + maxClockSkewMs < now) return 'expire';
  const over = newestTerm !== undefined && (fencingVersion > newestTerm || ended !== undefined);
  return over && closedTerm !== newestTerm ? 'close' : 'leave';
}

/** How the newest TERM ended, as far as the record knows; undefined while it runs. */
export function endOfNewestTerm(record: LeadershipRecord, now: number): Ending | undefined {
  const { newestTerm, fencingVersion, previous, previousExpiresAt, ended, expiresAt, holder } = record;
  if (newestTerm === undefined) return undefined;
  if (fencingVersion > newestTerm)
    return {
      reason: previous?.reason ?? 'expired',
      at: previous?.at ?? previousExpiresAt ?? now,
      detail: previous?.detail,
    };
  if (ended) return { ...ended, at: ended.at ?? now };
  if (holder && (expiresAt ?? 0) <= now) return { reason: 'expired', at: expiresAt ?? now };
  return undefined;
}
