/** Which backups a group may read: its own, those shared with it, and what the deployment's list of prefixes allows. */
import { notFound, ProblemError } from '../../api/problem.ts';
import { backupDamaged, sourceForbidden } from '../../api/problems/backups.ts';
import type { BackupRecord } from '../backups/backup.ts';
import type { BackupOwners } from '../backups/backup-owners.ts';
import type { BackupStore } from '../backups/backup-store.ts';
import { filesPlace } from '../backups/bucket/archive-place.ts';
import { type GroupDirectory, mustExist } from '../backups/group-directory.ts';
import { bucketPrefixes } from '../platform/bucket-keys.ts';
import type { RestoreSource } from './restore-store.ts';

export interface SourceParts {
  readonly groups: GroupDirectory;
  readonly store: Pick<BackupStore, 'read'>;
  readonly owners: BackupOwners;
  readonly bucketName: string;
  /** `s3://bucket/prefix/`, as the deployment lists them. */
  readonly restoreSources: readonly string[];
}

/** Files that somebody has uploaded to restore this group from lie below it. */
export const uploadsPrefix = (group: string) => `${bucketPrefixes.uploadedBackups}${group}/`;

/**
 * Where a backup lies, and the digest of the manifest that was verified when it was completed, where the service knows
 * it.
 */
export interface FoundSource {
  readonly source: RestoreSource;
  readonly manifestSha256?: string | undefined;
}

/**
 * Throws `not_found` for an unknown backup, `source_forbidden` for one that is neither the group's nor shared with it.
 */
export async function sourceOf(
  parts: SourceParts,
  group: string,
  wanted: { backupId?: string | undefined; uri?: string | undefined },
): Promise<FoundSource> {
  const { backupId, uri } = wanted;
  return backupId === undefined ? byUri(parts, group, uri ?? '') : byId(parts, group, backupId);
}

async function byId(parts: SourceParts, group: string, backupId: string): Promise<FoundSource> {
  const { store, owners } = parts;
  const own = await store.read(group, backupId);
  const owner = own ? group : await owners.ownerOf(backupId);
  const record = own?.record ?? (owner === undefined ? undefined : (await store.read(owner, backupId))?.record);
  if (owner === undefined || !record) {
    throw new ProblemError(notFound, `There is no backup ${backupId}; see the lists of backups.`);
  }
  return readable(parts, group, record, `Backup ${backupId}`);
}

/** Only what the service has verified: what an attempt that failed has left may be anything. */
function readable({ bucketName }: SourceParts, group: string, record: BackupRecord, named: string): FoundSource {
  const { group: owner, backupId, manifestSha256 } = record;
  if (owner !== group && !record.sharedWith.includes(group)) throw forbidden(named, group);
  if (record.state !== 'COMPLETED') {
    throw new ProblemError(
      backupDamaged,
      `Backup ${backupId} of group "${owner}" is ${record.state}, not COMPLETED; nothing was written.`,
      { state: record.state },
    );
  }
  if (record.uri?.startsWith('file:')) throw local(record.uri);
  const { bucket, key } = filesPlace(bucketName, record);
  return { source: { bucket, prefix: key }, manifestSha256 };
}

const address = /^s3:\/\/([a-z0-9][a-z0-9.-]{1,61}[a-z0-9])\/(.*)$/;
/** The end of every place of a backup, here or below a target. */
const placeOfAttempt = /(?:^|\/)([^/]+)\/([0-9a-f-]{36})\/[0-9]+\/$/;

async function byUri(parts: SourceParts, group: string, uri: string): Promise<FoundSource> {
  if (uri.startsWith('file:')) throw local(uri);
  const [, bucket, key = ''] = address.exec(uri) ?? [];
  if (bucket === undefined || key.split('/').includes('..')) throw forbidden(uri, group);
  const source = { bucket, prefix: key.endsWith('/') ? key : `${key}/` };
  const there = `s3://${bucket}/${source.prefix}`;
  const listed = parts.restoreSources.map((prefix) => (prefix.endsWith('/') ? prefix : `${prefix}/`));
  if (listed.some((prefix) => there.startsWith(prefix))) return { source };
  if (bucket === parts.bucketName && source.prefix.startsWith(uploadsPrefix(group))) return { source };
  return byOwnUri(parts, group, uri, source);
}

/** The files of a backup of this deployment, also below a target: allowed, and looked at, as by its id. */
async function byOwnUri(
  parts: SourceParts,
  group: string,
  uri: string,
  { bucket, prefix }: RestoreSource,
): Promise<FoundSource> {
  const [, owner, backupId] = placeOfAttempt.exec(prefix) ?? [];
  if (owner === undefined || backupId === undefined) throw forbidden(uri, group);
  const stored = await parts.store.read(owner, backupId);
  if (!stored) {
    if (bucket === parts.bucketName) await mustExist(parts, owner);
    throw forbidden(uri, group);
  }
  const found = readable(parts, group, stored.record, uri);
  if (found.source.bucket !== bucket || found.source.prefix !== prefix) throw forbidden(uri, group);
  return found;
}

function forbidden(what: string, group: string): ProblemError {
  return new ProblemError(
    sourceForbidden,
    `${what} is neither a backup of group "${group}", nor shared with it, nor below a prefix of restoreSources; nothing was written.`,
  );
}

function local(uri: string): ProblemError {
  return new ProblemError(
    sourceForbidden,
    `${uri} lies on a disk that the service cannot read; run "tenure restore" on that machine.`,
  );
}
