import { groupKey } from '../../leadership/keys.ts';

/** Keys of the backup items in the main table, next to the leadership of their group. */
export const backupPrefix = 'BACKUP#';
export const workerPrefix = 'WORKER#';
export const backupKey = (group: string, backupId: string) => ({
  pk: groupKey(group),
  sk: `${backupPrefix}${backupId}`,
});
/** There while a backup is in progress: at most one per group. */
export const runningKey = (group: string) => ({ pk: groupKey(group), sk: 'RUNNING-BACKUP' });
export const cleanUpPrefix = 'BACKUP-CLEAN-UP#';
/** There from the end of a backup until everything that it left behind is gone. */
export const cleanUpKey = (group: string, backupId: string) => ({
  pk: groupKey(group),
  sk: `${cleanUpPrefix}${backupId}`,
});
export const removedPrefix = 'REMOVED-BACKUP#';
/** There after a backup was deleted: who repeats the request, or still has files of it, learns that. */
export const removedKey = (group: string, backupId: string) => ({
  pk: groupKey(group),
  sk: `${removedPrefix}${backupId}`,
});
export const requestPrefix = 'BACKUP-REQUEST#';
/** Which backup an Idempotency-Key has begun. */
export const requestKey = (group: string, requestId: string) => ({
  pk: groupKey(group),
  sk: `${requestPrefix}${requestId}`,
});
export const workerKey = (group: string, worker: string) => ({ pk: groupKey(group), sk: `${workerPrefix}${worker}` });
export const commandPrefix = (worker: string) => `COMMAND#${worker}#`;
export const commandKey = (group: string, worker: string, commandId: string) => ({
  pk: groupKey(group),
  sk: `${commandPrefix(worker)}${commandId}`,
});
export const policyKey = (group: string) => ({ pk: groupKey(group), sk: 'BACKUP-POLICY' });
export const restorePrefix = 'RESTORE#';
export const restoreKey = (group: string, restoreId: string) => ({
  pk: groupKey(group),
  sk: `${restorePrefix}${restoreId}`,
});

/** Partitions of the groups index: what the minute's sweep looks through. */
export const runningPartition = 'RUNNING-BACKUP';
export const cleanUpPartition = 'BACKUP-CLEAN-UP';
export const policyPartition = 'BACKUP-POLICY';
