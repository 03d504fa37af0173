/** Where archives lie: below a prefix of the deployment's bucket, or below the target that a backup's request named. */
import { bucketPrefixes } from '../../platform/bucket-keys.ts';
import type { BackupRecord } from '../backup.ts';
import type { AttemptName, BackupName } from '../backup-store.ts';

import { targetOf } from '../target.ts';
import type { Place } from './archive-bucket.ts';

/** All archives of the deployment's own bucket lie below it. */
const archivesPrefix = bucketPrefixes.archives;

/** Of all attempts of a backup. */
export const backupPlace = ({ group, backupId }: BackupName, prefix: string = archivesPrefix) =>
  `${prefix}${group}/${backupId}/`;

export const attemptPlace = (name: AttemptName, prefix?: string) => `${backupPlace(name, prefix)}${name.attempt}/`;

/** An attempt with the options of its backup, which say where its files lie. */
export type PlacedAttempt = AttemptName & Pick<BackupRecord, 'options'>;

/** Where the archives of backups with this target lie; `own` names the deployment's bucket. */
export function homeOf(own: string, target: string | undefined): Place {
  const named = targetOf({ target });
  return named.kind === 'bucket' ? { bucket: named.bucket, key: named.prefix } : { bucket: own, key: archivesPrefix };
}

/** Where the files of an attempt lie. */
export function filesPlace(own: string, attempt: PlacedAttempt): Place {
  const { bucket, key } = homeOf(own, attempt.options.target);
  return { bucket, key: attemptPlace(attempt, key) };
}

/** The address of an attempt's files. */
export function attemptUri(own: string, attempt: PlacedAttempt): string {
  const { bucket, key } = filesPlace(own, attempt);
  return `s3://${bucket}/${key}`;
}
