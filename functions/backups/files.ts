/** Hands out the files of a backup: to the group that took it, and to those with which it is shared. */
import { notFound, ProblemError } from '../../api/problem.ts';
import { backupDamaged, backupNotAvailable, sourceForbidden } from '../../api/problems/backups.ts';
import { DamagedError } from '../../archive/verifier.ts';
import type { BackupRecord } from './backup.ts';
import type { BackupOwners } from './backup-owners.ts';
import type { BackupName } from './backup-store.ts';
import type { Backups, WithArchives } from './backups.ts';
import type { FilePage } from './ports.ts';

export type WithOwners = { readonly owners: BackupOwners };

/**
 * A page of the backup's files, the manifest first; `from` counts files. Throws `not_found`, `source_forbidden`, and
 * `backup_not_available` unless the backup is COMPLETED and lies in S3, `backup_damaged` without a sound manifest.
 */
export async function listFiles(
  room: WithArchives & WithOwners,
  name: BackupName,
  from: number,
  limit: number,
): Promise<FilePage> {
  const record = await readableBy(room, name);
  const { backupId, state, uri } = record;
  if (state !== 'COMPLETED') {
    throw new ProblemError(
      backupNotAvailable,
      `Backup ${backupId} is ${state}; only a COMPLETED backup can be downloaded.`,
      { state },
    );
  }
  if (uri?.startsWith('file:')) {
    const detail = `Backup ${backupId} lies at ${uri}, on a disk that the service cannot read; read it on that host.`;
    throw new ProblemError(backupNotAvailable, detail, { state, uri });
  }
  try {
    return await room.archives.files(record, from, limit);
  } catch (error) {
    if (!(error instanceof DamagedError)) throw error;
    throw new ProblemError(backupDamaged, `Backup ${backupId} is damaged: ${error.message}; use another backup.`);
  }
}

async function readableBy(
  { store, owners }: Pick<Backups, 'store'> & WithOwners,
  { group, backupId }: BackupName,
): Promise<BackupRecord> {
  const own = await store.read(group, backupId);
  if (own) return own.record;
  const owner = await owners.ownerOf(backupId);
  const record = owner === undefined ? undefined : (await store.read(owner, backupId))?.record;
  if (!record) {
    throw new ProblemError(notFound, `Group "${group}" has no backup ${backupId}; see the list of its backups.`);
  }
  if (record.sharedWith.includes(group)) return record;
  throw new ProblemError(
    sourceForbidden,
    `Backup ${backupId} is neither a backup of group "${group}" nor shared with it; ask its owner to share it.`,
  );
}
