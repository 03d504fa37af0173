/** The conditional writes of restores, as values. */
import { floorKey, groupsIndex, leadershipKey, listedIn } from '../../leadership/keys.ts';
import { absent, allOf, anyOf, type Condition, equals, isOneOf } from '../../store/condition.ts';
import type { Item } from '../../store/item.ts';
import { remove } from '../../store/update.ts';
import { check, put, update, type Write } from '../../store/write.ts';
import { restoreKey } from '../backups/keys.ts';
import type { Job, JobName } from '../jobs/job.ts';
import { goneItem, isNoJob, toItem } from '../jobs/job-item.ts';
import { jobKey } from '../jobs/keys.ts';
import { isOver } from './restore.ts';
import type { RestoreRecord, StoredRestore } from './restore-store.ts';

type Writes = readonly [Write, ...Write[]];

export const restoringPartition = 'RESTORE';

/** Nobody has written the record since it was read. */
const unchanged = ({ revision }: StoredRestore): Condition => equals('revision', revision);

/** Those that have not ended are listed for the minute's sweep. */
function recordAt(record: RestoreRecord, revision: number, condition: Condition): Write {
  const { group, restoreId } = record;
  const listed = listedIn(restoringPartition, group);
  const item: Item = { ...(isOver(record) ? {} : listed), revision, record: JSON.stringify(record) };
  return put(restoreKey(group, restoreId), item, condition);
}

export const beginRestore = (record: RestoreRecord): Writes => [recordAt(record, 1, absent('pk'))];

export const replaceRecord = (seen: StoredRestore, next: RestoreRecord): Writes => [
  recordAt(next, seen.revision + 1, unchanged(seen)),
];

/** The last state, and with it the end of the ownership of the group. */
export const endRestore = (seen: StoredRestore, last: RestoreRecord): Writes => [
  recordAt(last, seen.revision + 1, unchanged(seen)),
  update(leadershipKey(last.group), remove('restoring'), equals('restoring', last.restoreId)),
];

/**
 * The group's leadership record, owned by the restore: where there is none, where the restore owns it, or where `over`
 * does, which did not finish. One that was abandoned left the record at its version; a leader since then has raised it.
 */
export function ownGroup(group: string, restoreId: string, version: number, over: StoredRestore | undefined): Writes {
  const item: Item = {
    ...listedIn(groupsIndex.partition, group),
    fencingVersion: version,
    requestId: restoreId,
    restoring: restoreId,
  };
  return [
    put(leadershipKey(group), item, anyOf(absent('pk'), ...ownedBy(restoreId, over?.record))),
    // Should the record be lost again, it reappears above this.
    put(floorKey(group, version), {}),
    ...(over ? [check(restoreKey(group, over.record.restoreId), unchanged(over))] : []),
  ];
}

function ownedBy(restoreId: string, over: RestoreRecord | undefined): Condition[] {
  if (!over) return [equals('restoring', restoreId)];
  const owned = isOneOf('restoring', restoreId, over.restoreId);
  const { version } = over;
  if (version === undefined) return [owned];
  const leftAt = allOf(equals('requestId', over.restoreId), equals('fencingVersion', version));
  return [owned, allOf(leftAt, absent('restoring'), absent('holder'))];
}

/** No-op when the job exists; `ttl` in epoch seconds. */
export function putJob(job: Job, ttl: number | undefined): Writes {
  return [put(jobKey(job.group, job.jobId), { ...toItem(job), ...(ttl === undefined ? {} : { ttl }) }, isNoJob)];
}

export const removeJob = ({ group, jobId }: JobName, now: number): Writes => [
  put(jobKey(group, jobId), goneItem(group, jobId, now)),
];
