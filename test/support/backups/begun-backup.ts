import { randomUUID } from 'node:crypto';
import { type BackupRecord, begunRecord } from '../../../functions/backups/backup.ts';

/** A backup's options unless a test sets others. */
export const plainOptions = {
  runAsync: true,
  allowLeader: false,
  bypassDelegation: false,
  localFileSystem: false,
  redelegate: false,
  explain: false,
} as const;

/** The record of a backup that has just begun. */
export const begunBackup = (group: string, now: number): BackupRecord =>
  begunRecord(
    {
      group,
      backupId: randomUUID(),
      requestId: randomUUID(),
      options: { ...plainOptions, bypassDelegation: true },
      timeouts: { answerSeconds: 12, abandonSeconds: 12, runSeconds: 3_600, cutPauseSeconds: 1 },
    },
    now,
  );
