/** Reading and changing the record of a backup. */

import { notFound, ProblemError } from '../../api/problem.ts';
import { instant } from '../../store/clock.ts';
import { count } from '../platform/metrics.ts';
import { type BackupRecord, type Failure, isFinal, moved } from './backup.ts';
import type { BackupName, Stored } from './backup-store.ts';
import type { Backups } from './backups.ts';

/** The backup, or `not_found`. */
export async function known({ store }: Pick<Backups, 'store'>, { group, backupId }: BackupName): Promise<Stored> {
  const stored = await store.read(group, backupId);
  if (stored) return stored;
  const removed = await store.removed(group, backupId);
  if (!removed)
    throw new ProblemError(notFound, `Group "${group}" has no backup ${backupId}; see the list of its backups.`);
  const deletedAt = instant(removed.removedAt);
  throw new ProblemError(notFound, `Backup ${backupId} of group "${group}" was deleted at ${deletedAt}.`, {
    deletedAt,
  });
}

/**
 * Changes the record on what it is at that very instant; the same object back changes nothing. Answers the record as it
 * is then.
 */
export async function changed(
  room: Pick<Backups, 'store'>,
  name: BackupName,
  next: (record: BackupRecord) => BackupRecord,
): Promise<BackupRecord> {
  for (;;) {
    const stored = await known(room, name);
    const record = next(stored.record);
    if (record === stored.record || (await room.store.replace(stored, record))) return record;
  }
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
 * would be replaced. Answers the record as it is then, final or excepted.
 */
export async function settled(
  { store, clock }: Pick<Backups, 'store' | 'clock'>,
  name: BackupName,
  outcome: Failure | 'COMPLETED',
  unless: (record: BackupRecord) => boolean = () => false,
): Promise<BackupRecord> {
  for (;;) {
    const stored = await known({ store }, name);
    if (isFinal(stored.record) || unless(stored.record)) return stored.record;
    const ended = moved(stored.record, outcome === 'COMPLETED' ? 'COMPLETED' : 'FAILED', clock.now());
    const final = { ...ended, ...(outcome === 'COMPLETED' ? {} : { error: outcome }) };
    if (!(await store.settle(stored, final))) continue;
    if (outcome === 'COMPLETED') count('BackupCompleted');
    else count('BackupFailed', { reason: ownCodes.has(outcome.code) ? outcome.code : 'gave_up' });
    return final;
  }
}
