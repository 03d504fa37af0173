/** A backup as callers see it. */
import type * as z from 'zod/mini';
import { backupStatus } from '../../api/operations/backups.ts';
import { instant } from '../../store/clock.ts';
import { type BackupRecord, isFinal } from './backup.ts';
import type { BackupName } from './backup-store.ts';

export type BackupView = z.output<typeof backupStatus>;

/** One record that nobody can read fails no listing: it is shown as a backup that has failed. */
export function toBackupView({ group, backupId }: BackupName, record: BackupRecord, now: number): BackupView {
  try {
    return backupStatus.parse(viewOf(record, now));
  } catch (error) {
    const message = `Its record cannot be read: ${error instanceof Error ? error.message.slice(0, 200) : 'no reason given'}`;
    return {
      backupId,
      group,
      state: 'FAILED',
      attempt: 0,
      entryCount: 0,
      bytes: 0,
      startedAt: instant(beganAt(backupId)),
      phases: {},
      error: { code: 'record_damaged', message },
      refusals: [],
    };
  }
}

/** The id is a UUID v7: it begins with the time. */
function beganAt(backupId: string): number {
  const ms = Number.parseInt(backupId.replaceAll('-', '').slice(0, 12), 16);
  return Number.isNaN(ms) ? 0 : Math.min(ms, Date.UTC(9999, 0));
}

function viewOf(record: BackupRecord, now: number) {
  const {
    backupId,
    group,
    state,
    attempt,
    worker,
    host,
    uri,
    options: { target },
    entryCount,
    bytes,
    startedAt,
    endedAt,
    cut,
    pausedMs,
    error,
    refusals,
    sharedWith,
  } = record;
  const running = isFinal(record)
    ? {}
    : { [state]: (record.phases[state] ?? 0) + Math.max(0, now - record.stateSince) };
  return {
    backupId,
    group,
    state,
    attempt,
    ...(worker === undefined ? {} : { worker }),
    ...(host === undefined ? {} : { host }),
    ...(uri === undefined ? {} : { uri }),
    ...(target === undefined ? {} : { target }),
    entryCount,
    bytes,
    startedAt: instant(startedAt),
    ...(endedAt === undefined ? {} : { endedAt: instant(endedAt) }),
    phases: { ...record.phases, ...running },
    ...(cut === undefined ? {} : { cut: { ...cut } }),
    ...(pausedMs === undefined ? {} : { pausedMs }),
    ...(error === undefined ? {} : { error }),
    refusals: [...refusals],
    ...(sharedWith.length === 0 ? {} : { sharedWith: [...sharedWith] }),
  };
}
