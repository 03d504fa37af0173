/** Which backups a group may read: its own, those shared with it, and what the deployment's list of prefixes allows. */
import { notFound, Problem } from '../../api/problem.ts';
import { backupDamaged, sourceForbidden } from '../../api/problems/backups.ts';
import type { BackupOwners } from '../backups/backup-owners.ts';
import type { BackupStore } from '../backups/backup-store.ts';
import { archivesPrefix, attemptPlace } from '../backups/bucket/archive-place.ts';
import { bucketPrefixes } from '../platform/bucket-keys.ts';
import type { RestoreSource } from './restore-store.ts';

export interface SourceParts {
  readonly store: Pick<BackupStore, 'read'>;
  readonly owners: BackupOwners;
  readonly bucketName: string;
  /** `s3://bucket/prefix/`, as the deployment lists them. */
  readonly restoreSources: readonly string[];
}

/** Files that somebody has uploaded to restore this group from lie below it. */
export const uploadsPrefix = (group: string) => `${bucketPrefixes.uploadedBackups}${group}/`;

/** Throws `not_found` for an unknown backup, `source_forbidden` for one that is neither the group's nor shared with it. */
export async function sourceOf(
  parts: SourceParts,
  group: string,
  wanted: { backupId?: string | undefined; uri?: string | undefined },
): Promise<RestoreSource> {
  const { backupId, uri } = wanted;
  return backupId === undefined ? byUri(parts, group, uri ?? '') : byId(parts, group, backupId);
}

async function byId(
  { store, owners, bucketName }: SourceParts,
  group: string,
  backupId: string,
): Promise<RestoreSource> {
  const own = await store.read(group, backupId);
  const owner = own ? group : await owners.ownerOf(backupId);
  const record = own?.record ?? (owner === undefined ? undefined : (await store.read(owner, backupId))?.record);
  if (owner === undefined || !record) {
    throw new Problem(notFound, `There is no backup ${backupId}; see the lists of backups.`);
  }
  if (owner !== group && !record.sharedWith.includes(group)) throw forbidden(`Backup ${backupId}`, group);
  if (record.state !== 'COMPLETED') {
    throw new Problem(
      backupDamaged,
      `Backup ${backupId} of group "${owner}" is ${record.state}, not COMPLETED; nothing was written.`,
      { state: record.state },
    );
  }
  if (record.uri?.startsWith('file:')) throw local(record.uri);
  return { bucket: bucketName, prefix: attemptPlace({ group: owner, backupId, attempt: record.attempt }) };
}

const address = /^s3:\/\/([a-z0-9][a-z0-9.-]{1,61}[a-z0-9])\/(.*)$/;
const ownPlace = new RegExp(`^${archivesPrefix}([^/]+)/([0-9a-f-]{36})/[0-9]+/$`);

async function byUri(parts: SourceParts, group: string, uri: string): Promise<RestoreSource> {
  if (uri.startsWith('file:')) throw local(uri);
  const [, bucket, key = ''] = address.exec(uri) ?? [];
  if (bucket === undefined || key.split('/').includes('..')) throw forbidden(uri, group);
  const source = { bucket, prefix: key.endsWith('/') ? key : `${key}/` };
  if (bucket === parts.bucketName) {
    const [, owner, backupId] = ownPlace.exec(source.prefix) ?? [];
    if (owner === group || source.prefix.startsWith(uploadsPrefix(group))) return source;
    if (owner !== undefined && backupId !== undefined) {
      const stored = await parts.store.read(owner, backupId);
      if (stored?.record.sharedWith.includes(group)) return source;
    }
  }
  const there = `s3://${bucket}/${source.prefix}`;
  const listed = parts.restoreSources.map((prefix) => (prefix.endsWith('/') ? prefix : `${prefix}/`));
  if (listed.some((prefix) => there.startsWith(prefix))) return source;
  throw forbidden(uri, group);
}

function forbidden(what: string, group: string): Problem {
  return new Problem(
    sourceForbidden,
    `${what} is neither a backup of group "${group}", nor shared with it, nor below a prefix of restoreSources; nothing was written.`,
  );
}

function local(uri: string): Problem {
  return new Problem(
    sourceForbidden,
    `${uri} lies on a disk that the service cannot read; run "tenure restore" on that machine.`,
  );
}
