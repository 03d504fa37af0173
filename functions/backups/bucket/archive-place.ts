import { bucketPrefixes } from '../../platform/bucket-keys.ts';
import type { AttemptName } from '../ports.ts';

/** All archives lie below this prefix of the bucket. */
export const archivesPrefix = bucketPrefixes.archives;

/** Of all attempts of a backup. */
export const backupPlace = (group: string, backupId: string) => `${archivesPrefix}${group}/${backupId}/`;

export const attemptPlace = ({ group, backupId, attempt }: AttemptName) => `${backupPlace(group, backupId)}${attempt}/`;

/** The address of an attempt's files. */
export const attemptUri = (bucket: string, name: AttemptName) => `s3://${bucket}/${attemptPlace(name)}`;
