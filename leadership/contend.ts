/** How a contender gets the lease, or what keeps it from it. */
import { randomUUID } from 'node:crypto';
import { ProblemError } from '../api/problem.ts';
import { groupRestoring, leadershipHeld } from '../api/problems/leadership.ts';
import { instant } from '../store/clock.ts';
import { refuseReusedKey } from '../store/idempotency.ts';
import { mark } from '../store/marks.ts';
import { retryConflicts } from '../store/retry-conflicts.ts';
import { type Leadership, termLost } from './leadership.ts';
import type { LeadershipRecord } from './lease.ts';
import * as lease from './lease.ts';
import type { Grant, LeaseWrite } from './lease-store.ts';

export interface Contender {
  readonly contenderId: string;
  /** The process: two of one name are two contenders. Each request is its own unless given. */
  readonly instanceId?: string | undefined;
  /** 1,000 to 3,600,000 ms. */
  readonly leaseMs: number;
}

export interface GrantedTerm {
  readonly fencingVersion: number;
  readonly sessionId: string;
  readonly leaseMs: number;
  /**
   * The rest of the lease: less than `leaseMs` when a live term is handed back. The holder's own deadline counts from
   * this.
   */
  readonly remainingMs: number;
  readonly expiresAt: number;
}

/** An existing record decides at once; only while it is lost do contenders race to recreate it. */
const createTries = 6;

/**
 * Asks for the lease. The process that holds the live term, and a retry of the request that was granted it, get the
 * same term back. Throws `leadership_held` with the time to sleep while another holds it, `leadership_lost` when a late
 * retry finds its own term ended, `group_restoring` during a restore, `contention` when the record of the group is lost
 * again and again.
 */
export async function contend(
  leadership: Leadership,
  group: string,
  contender: Contender,
  requestId: string,
): Promise<GrantedTerm> {
  const { store, clock } = leadership;
  const { instanceId = requestId } = contender;
  const grant: Grant = { ...contender, instanceId, sessionId: randomUUID(), requestId };
  const write = await grantOrCreate(leadership, group, grant);
  const now = clock.now();
  if (write.kind === 'lost' && !holdsAlready(write.lost, grant, now))
    throw refusal(leadership, group, write.lost, grant);
  const record = write.won ?? write.lost;
  if (record.fencingVersion % lease.floorEvery === 0) await store.writeFloor(group, record.fencingVersion);
  const { leaseMs = contender.leaseMs, expiresAt = 0 } = record;
  return {
    fencingVersion: record.fencingVersion,
    sessionId: record.holder?.sessionId ?? grant.sessionId,
    leaseMs,
    remainingMs: write.kind === 'won' ? leaseMs : expiresAt - now,
    expiresAt,
  };
}

/** A grant, or the record that stands against it. */
type Decided =
  | { readonly kind: 'won'; readonly won: LeadershipRecord; readonly lost?: never }
  | { readonly kind: 'lost'; readonly won?: never; readonly lost: LeadershipRecord };

async function grantOrCreate(leadership: Leadership, group: string, grant: Grant): Promise<Decided> {
  const { store, clock, maxClockSkewMs } = leadership;
  return retryConflicts<Decided>({ tries: createTries, of: `the record of group "${group}"` }, async (tried) => {
    const created = tried === 1 ? undefined : await create(leadership, group, grant);
    if (created?.kind === 'won') return { kind: 'done', value: created };
    const granted = await store.grant(group, grant, clock.now(), maxClockSkewMs);
    if (granted.kind === 'won') return { kind: 'done', value: granted };
    return granted.lost ? { kind: 'done', value: { kind: 'lost', lost: granted.lost } } : { kind: 'conflict' };
  });
}

/**
 * Only a group that had a record before asks for its recreations, and then for its versions again: what is read first
 * must be older.
 */
async function create({ store, clock }: Leadership, group: string, grant: Grant): Promise<LeaseWrite> {
  const isNew = (await store.highestVersion(group)) === 0;
  if (isNew) return store.create(group, lease.firstVersion, grant, clock.now());
  mark('record-recreated');
  const recreation = await store.lastRecreation(group);
  const version = (await store.highestVersion(group)) + lease.versionGap;
  return store.create(group, version, grant, clock.now(), recreation);
}

function holdsAlready({ holder, expiresAt = 0 }: LeadershipRecord, { contenderId, instanceId }: Grant, now: number) {
  return holder?.contenderId === contenderId && holder.instanceId === instanceId && expiresAt > now;
}

function refusal(leadership: Leadership, group: string, record: LeadershipRecord, grant: Grant): ProblemError {
  const now = leadership.clock.now();
  if (record.restoring !== undefined) return restoring(group, record.restoring);
  refuseReusedKey(record.requestId, grant.requestId, `POST /v1/groups/${group}/leadership/contend`);
  const isOver = !(record.holder && (record.expiresAt ?? 0) > now);
  if (record.requestId === grant.requestId && isOver) {
    mark('contended-with-an-ended-request');
    const fence = { fencingVersion: record.fencingVersion, sessionId: record.holder?.sessionId ?? '' };
    return termLost(group, fence, record);
  }
  const bar = lease.barOf(record, now);
  const occupant = lease.occupantOf(record, now);
  // Its own name can be the successor's too: that is another process then.
  const keepsOthersOut = occupant && !(occupant.reserved && occupant.contenderId === grant.contenderId);
  if (bar?.instanceId === grant.instanceId && !keepsOthersOut) return barred(leadership, group, record, bar, now);
  return held(leadership, group, record, grant, now);
}

const restoring = (group: string, restoreId: string) =>
  new ProblemError(
    groupRestoring,
    restoreId.startsWith(lease.deletionPrefix)
      ? `Group "${group}" is being deleted; contend again when that has finished.`
      : `Group "${group}" is being restored (${restoreId}); contend again when it has finished.`,
    {
      retryAfterMs: 5_000,
    },
  );

/** Free for everybody else: the caller's own term was resigned or revoked a moment ago. */
function barred(
  { random = Math.random }: Leadership,
  group: string,
  { fencingVersion, leaseMs = 0, ended }: LeadershipRecord,
  { instanceId, until }: lease.Bar,
  now: number,
): ProblemError {
  const why = ended?.reason ?? 'ended';
  const end = instant(until);
  return new ProblemError(
    leadershipHeld,
    `The lease of group "${group}" is free for others (fencing version ${fencingVersion}): this process had it and was ${why}. It may contend again after ${end}, if nobody else has taken the lease by then.`,
    {
      holder: null,
      barred: { instanceId, until: end },
      retryAfterMs: lease.retryAfterMs(until, leaseMs, now, 0, random()),
    },
  );
}

function held(
  { maxClockSkewMs, random = Math.random }: Leadership,
  group: string,
  record: LeadershipRecord,
  { contenderId, instanceId }: Grant,
  now: number,
): ProblemError {
  const { fencingVersion, leaseMs = 0 } = record;
  const occupant = lease.occupantOf(record, now);
  const until = occupant?.until ?? now;
  const expiresAt = instant(until);
  const isNamesake = occupant?.contenderId === contenderId && occupant.instanceId !== instanceId;
  const whose = occupantInWords(occupant, isNamesake);
  const retryAfterMs = lease.retryAfterMs(until, leaseMs, now, maxClockSkewMs, random());
  return new ProblemError(
    leadershipHeld,
    `The lease of group "${group}" ${whose} (fencing version ${fencingVersion}) until ${expiresAt}; contend again after that.`,
    { holder: occupant ? toHolderView(occupant, fencingVersion) : null, retryAfterMs },
  );
}

const toHolderView = ({ contenderId, confirmed, until }: lease.Occupant, fencingVersion: number) => ({
  contenderId,
  fencingVersion,
  confirmed,
  expiresAt: instant(until),
});

function occupantInWords(occupant: lease.Occupant | undefined, isNamesake: boolean): string {
  if (!occupant) return 'was just released';
  if (occupant.reserved) return `is reserved for "${occupant.contenderId}"`;
  return `is held by ${isNamesake ? 'another process with the id ' : ''}"${occupant.contenderId}"`;
}
