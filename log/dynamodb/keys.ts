import { groupKey } from '../../leadership/keys.ts';

/** Where the logs of a group are known in the main table: one item each. */
export const logPrefix = 'LOG#';
export const registryKey = (group: string, log: string) => ({ pk: groupKey(group), sk: `${logPrefix}${log}` });

/**
 * The sequencer of a log, and what holds its truncations: an item of its own, so that an append writes less than 1 KB.
 */
export const sequencerPrefix = 'SEQUENCER#';
export const sequencerKey = (group: string, log: string) => ({ pk: groupKey(group), sk: `${sequencerPrefix}${log}` });

/** The partition of the groups index that lists all logs. */
export const logsPartition = 'LOGS';

/** The sweep's note on each replica: one item each, written when its status changes. */
export const replicaPrefix = 'REPLICA#';
export const replicaKeyPrefix = (log: string) => `${replicaPrefix}${log}#`;
export const replicaKey = (group: string, log: string, replica: string) => ({
  pk: groupKey(group),
  sk: `${replicaKeyPrefix(log)}${replica}`,
});

/** The note on the recovery of each replica that has one under way. */
export const recoveryKeyPrefix = (log: string) => `RECOVERY#${log}#`;
export const recoveryKey = ({ group, log, replica }: { group: string; log: string; replica: string }) => ({
  pk: groupKey(group),
  sk: `${recoveryKeyPrefix(log)}${replica}`,
});

export function replicaIn(sk: string): { log: string; replica: string } {
  const [, log = '', replica = ''] = sk.split('#');
  return { log, replica };
}
