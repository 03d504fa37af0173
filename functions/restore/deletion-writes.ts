/** The conditional writes of a group's deletion, as values. */
import { floorKey, leadershipKey } from '../../leadership/keys.ts';
import type { LeadershipRecord } from '../../leadership/lease.ts';
import { leaseIsFree } from '../../leadership/lease-writes.ts';
import { absent, allOf, equals } from '../../store/condition.ts';
import type { Item, Key } from '../../store/item.ts';
import { attributeOf, plus, remove, set, setAll } from '../../store/update.ts';
import { check, put, update, type Write } from '../../store/write.ts';
import { runningKey } from '../backups/keys.ts';
import { goneItem } from '../jobs/job-item.ts';
import { jobPrefix } from '../jobs/keys.ts';

type Writes = readonly [Write, ...Write[]];

export interface Beginning {
  readonly deletionId: string;
  /** The group's record, which must not have changed since. */
  readonly seen: LeadershipRecord | undefined;
  readonly version: number;
  readonly now: number;
  readonly maxClockSkewMs: number;
}

const owned = (deletionId: string) => equals('restoring', deletionId);

/**
 * From then on nobody leads the group, and no backup of it begins. The version is raised, so that no fence of an
 * earlier leader is that of the group, and noted in a FLOOR: all that stays of the group once it is deleted.
 */
export function ownForDeletion(group: string, { deletionId, seen, version, now, maxClockSkewMs }: Beginning): Writes {
  const owner = { requestId: deletionId, restoring: deletionId };
  const record = seen
    ? update(
        leadershipKey(group),
        [
          ...set('fencingVersion', plus(attributeOf('fencingVersion'), 1)),
          ...setAll(owner),
          ...remove('holder', 'expiresAt', 'renewedAt', 'handOverTo', 'reservedFor', 'reservedUntil'),
        ],
        allOf(equals('fencingVersion', seen.fencingVersion), absent('restoring'), leaseIsFree(now, maxClockSkewMs)),
      )
    : put(leadershipKey(group), { fencingVersion: version, ...owner }, absent('fencingVersion'));
  return [record, put(floorKey(group, version), {}), check(runningKey(group), absent('backupId'))];
}

/** Empties an item and lets its time to live take the key: nobody deletes items of the main table. */
export const emptyItem = (group: string, { pk, sk }: Key, deletionId: string, now: number): Writes => [
  put({ pk, sk }, sk.startsWith(jobPrefix) ? gone(group, sk, now) : { ttl: Math.floor(now / 1_000) }),
  check(leadershipKey(group), owned(deletionId)),
];

function gone(group: string, sk: string, now: number): Item {
  const { pk: _, sk: __, ...item } = goneItem(group, sk.slice(jobPrefix.length), now);
  return item;
}

/** The record itself, last: the next to contend makes it anew, above the FLOOR. */
export const endDeletion = (group: string, deletionId: string, now: number): Writes => [
  put(leadershipKey(group), { ttl: Math.floor(now / 1_000) }, owned(deletionId)),
];
