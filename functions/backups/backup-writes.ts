/**
 * The conditional writes of backups, as values. Nothing is deleted: no function may; what is over gets a time to live.
 */
import { groupsIndex, listedIn } from '../../leadership/keys.ts';
import { absent, anyOf, type Condition, equals } from '../../store/condition.ts';
import { keyOf } from '../../store/idempotency.ts';
import type { Item } from '../../store/item.ts';
import { remove, set, setAll } from '../../store/update.ts';
import { put, update, type Write } from '../../store/write.ts';
import type { BackupRecord } from './backup.ts';
import type { BackupName, Stored } from './backup-store.ts';
import {
  backupKey,
  cleanUpKey,
  cleanUpPartition,
  removedKey,
  requestKey,
  runningKey,
  runningPartition,
} from './keys.ts';

type Writes = readonly [Write, ...Write[]];

const requestMemorySeconds = 7 * 24 * 3600;
const diskMemorySeconds = 366 * 24 * 3600;

const unlisted = remove(groupsIndex.partitionKey, groupsIndex.sortKey);

/** Nobody has written the record since it was read. */
const unchanged = ({ revision }: Stored): Condition => equals('revision', revision);

const recordAt = (record: BackupRecord, revision: number, condition: Condition): Write =>
  put(backupKey(record.group, record.backupId), { revision, record }, condition);

/** A new backup, unless the group has one in progress, or the request has begun one. */
export function beginBackup(record: BackupRecord): Writes {
  const { group, backupId, requestId, startedAt } = record;
  const ttl = Math.floor(startedAt / 1000) + requestMemorySeconds;
  return [
    put(requestKey(group, keyOf(requestId)), { requestId, backupId, ttl }, absent('pk')),
    put(runningKey(group), { backupId, ...listedIn(runningPartition, group) }, absent('backupId')),
    recordAt(record, 1, absent('pk')),
  ];
}

export const replaceRecord = (seen: Stored, next: BackupRecord): Writes => [
  recordAt(next, seen.revision + 1, unchanged(seen)),
];

/** The end of a backup frees the group for the next one, and leaves a note that there is to clean up. */
export function settleBackup(seen: Stored, final: BackupRecord): Writes {
  const { group, backupId } = final;
  return [
    recordAt(final, seen.revision + 1, unchanged(seen)),
    update(
      runningKey(group),
      [...remove('backupId'), ...unlisted],
      anyOf(absent('backupId'), equals('backupId', backupId)),
    ),
    put(cleanUpKey(group, backupId), cleanUpNote(final)),
  ];
}

export function removeBackup(seen: Stored, now: number, requestId: string): Writes {
  const { record, revision } = seen;
  const { group, backupId, uri } = record;
  const kept = uri?.startsWith('file:') ? diskMemorySeconds : requestMemorySeconds;
  const memory = { removedAt: now, requestId, ttl: Math.floor(now / 1000) + kept };
  return [
    update(
      backupKey(group, backupId),
      // Raised, or a request that read the record would write it again.
      [...setAll({ ttl: Math.floor(now / 1000), revision: revision + 1 }), ...remove('record')],
      unchanged(seen),
    ),
    put(cleanUpKey(group, backupId), { ...cleanUpNote(record), removed: true }),
    put(removedKey(group, backupId), memory),
  ];
}

/** With the target: of a backup that was removed, nothing else says where its files are. */
const cleanUpNote = ({ group, options: { target } }: BackupRecord): Item => ({
  ...listedIn(cleanUpPartition, group),
  target,
});

/** Ends the note, unless the backup has been removed since it was seen `there`. */
export const endCleanUp = ({ group, backupId }: BackupName, seen: 'there' | 'removed', now: number): Writes => [
  update(
    cleanUpKey(group, backupId),
    [...set('ttl', Math.floor(now / 1000)), ...unlisted],
    seen === 'removed' ? undefined : absent('removed'),
  ),
];
