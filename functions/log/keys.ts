import { groupKey } from '../leadership/keys.ts';

/** Where the logs of a group are known in the main table: one item each, which is the writer's seat too. */
export const logPrefix = 'LOG#';
export const registryKey = (group: string, log: string) => ({ pk: groupKey(group), sk: `${logPrefix}${log}` });

/** The partition of the groups index that lists all logs. */
export const logsPartition = 'LOGS';
