import { randomUUID } from 'node:crypto';
import type { BackupRecord } from '../../../functions/backups/backup.ts';

/** What a backup is asked for unless something else is said. */
export const plainOptions = {
  runAsync: true,
  allowLeader: false,
  bypassDelegation: false,
  localFileSystem: false,
  redelegate: false,
  explain: false,
} as const;

/** The record of a backup that has just begun. */
export const begunBackup = (group: string, now: number): BackupRecord => ({
  group,
  backupId: randomUUID(),
  requestId: randomUUID(),
  state: 'INITIATING',
  options: { ...plainOptions, bypassDelegation: true },
  timeouts: { answerSeconds: 12, abandonSeconds: 12 },
  attempt: 0,
  sequence: 0,
  lastSignAt: now,
  entryCount: 0,
  bytes: 0,
  startedAt: now,
  stateSince: now,
  phases: {},
  refusals: [],
  sharedWith: [],
});
