/**
 * The write of each step of a term, as a value: the table renders them for DynamoDB, simulations evaluate the same
 * ones. Pure: the caller's clock comes in as `now`. The rules are explained in docs/design/leadership.md.
 */
import type { Fence } from '../api/fence.ts';
import { absent, allOf, anyOf, type Condition, compare, equals, exists, isType, not } from '../store/condition.ts';
import type { Item } from '../store/item.ts';
import { attributeOf, ifAbsent, plus, remove, type Source, set, setAll } from '../store/update.ts';
import { put, type UpdateWrite, update, type Write } from '../store/write.ts';
import { addressesKey, groupsIndex, leadershipKey, listedIn, recreationKey, termKey } from './keys.ts';
import { type Ending, endOfNewestTerm, type Holder, type LeadershipRecord } from './lease.ts';
import { metadataText } from './lease-items.ts';
import type { Addresses, Grant, Published, Renewal, Resignation, Revocation, Term } from './lease-store.ts';

/** A transaction of several writes; the one of the leadership record comes first. */
type Writes = readonly [Write, ...Write[]];

/** A transaction returns no item: the record that it leaves is known all the same. */
export interface Transaction {
  readonly writes: Writes;
  readonly record: LeadershipRecord;
}

/** Attributes that speak of the term before, or of who may follow it. */
const endsWithTheGrant = [
  'ended',
  'revokedContender',
  'reservedFor',
  'reservedUntil',
  'barredInstance',
  'barredUntil',
  'handOverTo',
  'addressChanges',
];

const termRetentionSeconds = 90 * 24 * 3600;

/** Also after the lease has expired: a resignation may be late. */
const ownsTerm = ({ fencingVersion, sessionId }: Fence): Condition =>
  allOf(equals('fencingVersion', fencingVersion), equals('holder.sessionId', sessionId));

/** The fence is that of the term that runs at this moment: the guard of every write that a leader makes. */
export const ownsLiveTerm = (fence: Fence, now: number): Condition =>
  allOf(ownsTerm(fence), compare('expiresAt', '>', now));

/** Nobody holds the lease, and no earlier holder can count on it while clocks keep to the allowance. */
export const leaseIsFree = (now: number, maxClockSkewMs: number): Condition =>
  anyOf(absent('expiresAt'), compare('expiresAt', '<', now - maxClockSkewMs));

const notReservedForAnother = (contenderId: string, now: number): Condition =>
  anyOf(absent('reservedFor'), equals('reservedFor', contenderId), compare('reservedUntil', '<', now));

/**
 * Who was evicted or resigned leaves the lease to others for one lease time (docs/design/leadership.md, "Hand-over").
 */
const notBarred = (instanceId: string, now: number): Condition =>
  anyOf(
    absent('barredInstance'),
    compare('barredInstance', '<>', instanceId),
    absent('barredUntil'),
    compare('barredUntil', '<', now),
  );

export function grantLease(group: string, grant: Grant, now: number, maxClockSkewMs: number): Write {
  const { contenderId, instanceId, leaseMs, requestId } = grant;
  return update(
    leadershipKey(group),
    [
      ...set('fencingVersion', plus(attributeOf('fencingVersion'), 1)),
      ...setAll({ holder: grantedHolder(grant, now), leaseMs, expiresAt: now + leaseMs, renewedAt: now, requestId }),
      ...set('previous', ifAbsent('previous', ifAbsent('ended', { reason: 'expired' }))),
      ...set('previousExpiresAt', ifAbsent('previousExpiresAt', ifAbsent('expiresAt', now))),
      ...remove(...endsWithTheGrant),
    ],
    allOf(
      exists('fencingVersion'),
      absent('restoring'),
      // A late duplicate of the request that was granted last grants nothing.
      compare('requestId', '<>', requestId),
      leaseIsFree(now, maxClockSkewMs),
      notReservedForAnother(contenderId, now),
      notBarred(instanceId, now),
    ),
  );
}

/** A lost record is made with the recreation that was read before its version was chosen. */
export function createRecord(
  group: string,
  fencingVersion: number,
  grant: Grant,
  now: number,
  seenRecreation?: number,
): Transaction {
  const { contenderId, sessionId, leaseMs, requestId } = grant;
  const holder = grantedHolder(grant, now);
  const record = { fencingVersion, holder, leaseMs, expiresAt: now + leaseMs, requestId, newestTerm: fencingVersion };
  const listed = listedIn(groupsIndex.partition, group);
  return {
    writes: [
      put(leadershipKey(group), { ...listed, ...record, renewedAt: now }, absent('fencingVersion')),
      put(termKey(group, fencingVersion), { fencingVersion, contenderId, sessionId }, absent('pk')),
      ...(seenRecreation === undefined ? [] : [recreate(group, fencingVersion, seenRecreation)]),
    ],
    record: { group, ...record },
  };
}

/** A version chosen before another recreation may have been granted after it, without a TERM. */
const recreate = (group: string, fencingVersion: number, seen: number): Write =>
  put(recreationKey(group), { fencingVersion }, seen === 0 ? absent('pk') : equals('fencingVersion', seen));

/**
 * Publishes the leader, and writes its TERM and the end of the TERM before. `seen` is the record that was read for it.
 */
export function confirmTerm(seen: LeadershipRecord, fence: Fence, published: Published, now: number): Transaction {
  const { group, newestTerm } = seen;
  const { fencingVersion } = fence;
  const confirmedAt = seen.holder?.confirmedAt ?? now;
  const holder = { ...seen.holder, ...published, confirmedAt } as Holder;
  const { contenderId, instanceId, sessionId, grantedAt } = holder;
  const shown = { ...published, metadata: metadataText(published.metadata) };
  const owner = { fencingVersion, contenderId, instanceId, sessionId };
  const term = { ...owner, grantedAt, confirmedAt, leaseMs: seen.leaseMs, ...shown };
  return {
    writes: [
      update(
        leadershipKey(group),
        [
          ...setAll({ holder: holderItem(holder), newestTerm: fencingVersion }),
          ...remove('previous', 'previousExpiresAt'),
        ],
        allOf(
          ownsLiveTerm(fence, now),
          newestTerm === undefined ? absent('newestTerm') : equals('newestTerm', newestTerm),
        ),
      ),
      put(termKey(group, fencingVersion), term),
      ...closeTermBefore(seen, fencingVersion, now),
    ],
    record: { ...seen, holder, newestTerm: fencingVersion },
  };
}

/** The TERM before is no longer the newest: its end is written if the sweep has not, and it goes in 90 days. */
function closeTermBefore(seen: LeadershipRecord, version: number, now: number): Write[] {
  const ending = endOfNewestTerm(seen, now);
  if (seen.newestTerm === undefined || seen.newestTerm === version || !ending) return [];
  const ttl = Math.floor(now / 1000) + termRetentionSeconds;
  return [update(termKey(seen.group, seen.newestTerm), [...endOfTerm(ending), ...set('ttl', ttl)])];
}

const endOfTerm = ({ at, reason, detail }: Ending) => [
  ...set('endedAt', ifAbsent('endedAt', at)),
  ...set('endReason', ifAbsent('endReason', reason)),
  ...(detail === undefined ? [] : set('endDetail', ifAbsent('endDetail', detail))),
];

/** A renewal never shortens the lease: one that was overtaken by a later one loses. */
export function renewLease(group: string, fence: Fence, renewal: Renewal, now: number): Write {
  const { leaseMs, address, metadata } = renewal;
  const notOvertaken =
    leaseMs === undefined
      ? anyOf(absent('renewedAt'), compare('renewedAt', '<=', now))
      : compare('expiresAt', '<=', now + leaseMs);
  return update(
    leadershipKey(group),
    [
      ...set('expiresAt', leaseMs === undefined ? plus(attributeOf('leaseMs'), now) : now + leaseMs),
      ...setAll({ leaseMs, renewedAt: now }),
      ...set('holder.address', address),
      ...set('holder.metadata', metadataText(metadata)),
    ],
    allOf(ownsLiveTerm(fence, now), notOvertaken),
  );
}

/** Counted in the record by the same transaction: of two changes that saw the same addresses one is refused. */
export function writeAddresses(
  group: string,
  fence: Fence,
  seen: number | undefined,
  addresses: Addresses,
  now: number,
): Writes {
  const { fencingVersion } = fence;
  const revision = (seen ?? 0) + 1;
  const unchanged = seen === undefined ? absent('addressChanges') : equals('addressChanges', seen);
  return [
    update(leadershipKey(group), set('addressChanges', revision), allOf(ownsLiveTerm(fence, now), unchanged)),
    put(addressesKey(group), { fencingVersion, revision, addresses }),
  ];
}

/** Writes back the holder of a running term whose leader information was damaged, as its TERM knows it. */
export function restoreHolder(group: string, term: Term, published: Renewal, now: number): Write {
  const { fencingVersion, contenderId, instanceId, sessionId, confirmedAt } = term;
  const address = published.address ?? term.address;
  const metadata = published.metadata ?? term.metadata;
  const grantedAt = confirmedAt ?? now;
  const holder = { contenderId, instanceId, sessionId, grantedAt, confirmedAt, address, metadata };
  return update(
    leadershipKey(group),
    set('holder', holderItem(holder)),
    allOf(
      equals('fencingVersion', fencingVersion),
      absent('ended'),
      absent('restoring'),
      compare('expiresAt', '>', now),
    ),
  );
}

export function resignTerm(
  group: string,
  fence: Fence,
  { successor, stayOut, reason }: Resignation,
  requestId: string,
  now: number,
): UpdateWrite {
  const leaseFromNow = plus(ifAbsent('leaseMs', 0), now);
  return update(
    leadershipKey(group),
    [
      ...set('ended', { reason: 'resigned', ...(reason !== undefined && { detail: reason }), at: now, requestId }),
      ...(successor === undefined ? [] : setAll({ reservedFor: successor, reservedUntil: leaseFromNow })),
      ...(stayOut ? barHolder(leaseFromNow) : []),
      ...remove('holder', 'expiresAt', 'renewedAt', 'handOverTo'),
    ],
    ownsTerm(fence),
  );
}

const barHolder = (until: Source) =>
  setAll({ barredInstance: ifAbsent('holder.instanceId', 'unknown'), barredUntil: until });

/** The leader learns of it with its next renewal, stops its work and resigns; the term runs until then. */
export const askHandOver = (group: string, fencingVersion: number, successor = ''): Write =>
  update(
    leadershipKey(group),
    set('handOverTo', successor),
    allOf(equals('fencingVersion', fencingVersion), exists('holder')),
  );

/** Without `force` the expiry stays, and with it everybody else's wait. */
export function revokeTerm(
  group: string,
  { fencingVersion, reason, force }: Revocation,
  requestId: string,
  now: number,
): Write {
  return update(
    leadershipKey(group),
    [
      ...set('ended', { reason: 'revoked', detail: reason, at: now, requestId }),
      ...(force ? [] : set('revokedContender', ifAbsent('holder.contenderId', 'unknown'))),
      // From when the lease can be taken by others.
      ...barHolder(plus(force ? now : ifAbsent('expiresAt', now), ifAbsent('leaseMs', 0))),
      ...remove('handOverTo', 'holder', ...(force ? ['expiresAt', 'renewedAt'] : [])),
    ],
    allOf(equals('fencingVersion', fencingVersion), exists('holder')),
  );
}

/** Ends a term that nobody renews, or whose expiry was damaged, unless the record has changed since it was read. */
export function expireTerm(seen: LeadershipRecord, now: number): Writes {
  const { group, fencingVersion, expiresAt, newestTerm } = seen;
  const ended: Ending = { reason: 'expired', at: expiresAt ?? now };
  const sameExpiry =
    expiresAt === undefined
      ? anyOf(absent('expiresAt'), not(isType('expiresAt', 'N')))
      : equals('expiresAt', expiresAt);
  const hasTerm = newestTerm === fencingVersion;
  return [
    update(
      leadershipKey(group),
      [
        ...setAll({ ended, closedTerm: hasTerm ? fencingVersion : undefined }),
        ...remove('holder', 'expiresAt', 'renewedAt', 'handOverTo'),
      ],
      allOf(equals('fencingVersion', fencingVersion), sameExpiry, exists('holder')),
    ),
    ...(hasTerm ? [endKnownTerm(group, fencingVersion, ended)] : []),
  ];
}

/** Writes the end of the newest TERM, unless there is a newer one by now. */
export function closeTerm({ group, newestTerm = 0 }: LeadershipRecord, ending: Ending): Writes {
  return [
    update(leadershipKey(group), set('closedTerm', newestTerm), equals('newestTerm', newestTerm)),
    endKnownTerm(group, newestTerm, ending),
  ];
}

const endKnownTerm = (group: string, version: number, ending: Ending): Write =>
  update(termKey(group, version), endOfTerm(ending), exists('pk'));

const grantedHolder = ({ contenderId, instanceId, sessionId }: Grant, now: number): Holder => ({
  contenderId,
  instanceId,
  sessionId,
  grantedAt: now,
});

const holderItem = (holder: Holder): Item => ({ ...holder, metadata: metadataText(holder.metadata) });
