import { catalogue } from '../api/catalogue.ts';
import { name } from '../api/schema.ts';

export type OperationName = keyof typeof catalogue;
export type Caller = 'contender' | 'leader' | 'worker' | 'observer' | 'operator';

const contending = ['contend', 'confirm', 'renew', 'resign'] as const;

const leading = [
  ...['beginUpload', 'signParts', 'submitJob', 'finishJob', 'recover'],
  ...['commitCheckpoint', 'discardCheckpoints', 'discardSavepoint'],
  ...['createLog', 'electWriter', 'appendEntries', 'truncateLog'],
  ...['createBackup', 'cancelBackup'],
] as OperationName[];

/** The polling of commands and the reading of an attempt are a worker's own, though they are GETs: they keep it registered. */
const working = [
  ...['registerWorker', 'pollCommands', 'answerCommand', 'goodbye'],
  ...['heartbeat', 'attemptEntries', 'attemptFiles', 'attemptPayloads', 'finishAttempt', 'failAttempt'],
] as OperationName[];

const operating = [
  ...['revoke', 'collectOrphans', 'initializeReplica', 'recoverReplica', 'cancelRecovery', 'catchUpReplica'],
  ...[
    'deleteBackup',
    'shareBackup',
    'putBackupPolicy',
    'deleteBackupPolicy',
    'startRestore',
    'abandonRestore',
    'uploadRestore',
  ],
] as OperationName[];

const reading = (Object.keys(catalogue) as OperationName[]).filter(
  (operation) => catalogue[operation].method === 'GET' && isOfGroup(operation) && !working.includes(operation),
);

/** The operations that each kind of caller needs in its group, and no more. */
export const callers: Readonly<Record<Caller, readonly OperationName[]>> = {
  contender: [...contending, 'observe'],
  leader: [...contending, ...leading, ...reading],
  worker: [...working, 'observe', 'listLogs', 'showLog', 'readEntries', 'getBackup'],
  observer: reading,
  operator: [...contending, ...leading, ...working, ...operating, ...reading],
};

/** The operations that a caller who only reads must never reach. */
export const writing: readonly OperationName[] = [...contending, ...leading, ...working, ...operating];

export function isOfGroup(operation: OperationName): boolean {
  return catalogue[operation].path.includes('/{group}/');
}

/**
 * The resources of execute-api:Invoke below an API's ARN, each once. The group ends with a slash in every one, or a caller of `orders`
 * would reach `orders-2`; other names are left open, and a star of IAM takes slashes too. Throws for a group that is no name.
 */
export function resourcesFor(caller: Caller, group: string): string[] {
  name.parse(group);
  const written = callers[caller].map((operation) => {
    const { method, path } = catalogue[operation];
    // Path by path an operator's would be more than many a policy takes.
    if (caller === 'operator') return `$default/${method}/v1/groups/${group}/*`;
    return `$default/${method}${path.replace('{group}', group).replaceAll(/\{\w+\}/g, '*')}`;
  });
  return [...new Set(written)].sort();
}
