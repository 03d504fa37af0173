/** Reading and changing the record of a backup. */

import { notFound, ProblemError } from '../../api/problem.ts';
import { instant } from '../../store/clock.ts';
import { retryConflicts } from '../../store/retry-conflicts.ts';
import { count } from '../platform/metrics.ts';
import { type BackupRecord, enterState, type Failure, isFinal } from './backup.ts';
import type { BackupName, Stored } from './backup-store.ts';
import type { Backups } from './backups.ts';

/** Heartbeats, the workflow and operators change one record: each is done within a few tries. */
export const mostTries = 20;

/** The backup. Throws `not_found`. */
export async function getOrThrow({ store }: Pick<Backups, 'store'>, { group, backupId }: BackupName): Promise<Stored> {
  const stored = await store.read(group, backupId);
  if (stored) return stored;
  const removed = await store.readRemoved(group, backupId);
  if (!removed)
    throw new ProblemError(notFound, `Group "${group}" has no backup ${backupId}; see the list of its backups.`);
  const deletedAt = instant(removed.removedAt);
  throw new ProblemError(notFound, `Backup ${backupId} of group "${group}" was deleted at ${deletedAt}.`, {
    deletedAt,
  });
}

/**
 * Changes the record on what it is at that very instant; the same object back changes nothing. Returns the record as it
 * is then. Throws `contention`.
 */
export async function updateBackup(
  room: Pick<Backups, 'store'>,
  name: BackupName,
  next: (record: BackupRecord) => BackupRecord,
): Promise<BackupRecord> {
  return retryConflicts({ tries: mostTries, of: `backup ${name.backupId}` }, async () => {
    const stored = await getOrThrow(room, name);
    const record = next(stored.record);
    const isDone = record === stored.record || (await room.store.replace(stored, record));
    return isDone ? { kind: 'done', value: record } : { kind: 'conflict' };
  });
}

export const cancelled: Failure = { code: 'cancelled', message: 'An operator cancelled the backup' };

/** Every other code is one that a worker gave up with. */
const ownCodes = new Set([
  'backup_damaged',
  'backup_timed_out',
  'cancelled',
  'cut_failed',
  'internal',
  'no_worker_accepted',
  'worker_lost',
  'workflow_ended',
]);

/**
 * Ends a backup: of all who try exactly one wins, and what it wrote stays. `unless` is asked about the very record that
 * would be replaced. Returns the record as it is then, final or excepted.
 */
export async function endBackup(
  { store, clock }: Pick<Backups, 'store' | 'clock'>,
  name: BackupName,
  outcome: Failure | 'COMPLETED',
  unless: (record: BackupRecord) => boolean = () => false,
): Promise<BackupRecord> {
  return retryConflicts<BackupRecord>({ tries: mostTries, of: `backup ${name.backupId}` }, async () => {
    const stored = await getOrThrow({ store }, name);
    if (isFinal(stored.record) || unless(stored.record)) return { kind: 'done', value: stored.record };
    const ended = enterState(stored.record, outcome === 'COMPLETED' ? 'COMPLETED' : 'FAILED', clock.now());
    const final = { ...ended, ...(outcome === 'COMPLETED' ? {} : { error: outcome }) };
    if (!(await store.settle(stored, final))) return { kind: 'conflict' };
    countEnd(outcome);
    return { kind: 'done', value: final };
  });
}

function countEnd(outcome: Failure | 'COMPLETED'): void {
  if (outcome === 'COMPLETED') count('BackupCompleted');
  else count('BackupFailed', { reason: ownCodes.has(outcome.code) ? outcome.code : 'gave_up' });
}
