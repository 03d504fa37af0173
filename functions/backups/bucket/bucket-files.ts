import type { ArchiveFiles } from '../../../archive/ports.ts';
import { type CheckPayload, DamagedError, payloadDamage } from '../../../archive/verifier.ts';
import type { ArchiveBucket, Place } from './archive-bucket.ts';
import { difference } from './payload-copy.ts';

/** The files of an archive below a prefix of a bucket. Throws `DamagedError` for what S3 refuses to show. */
export function bucketFiles(bucket: ArchiveBucket, { bucket: name, key: prefix }: Place): ArchiveFiles {
  return { open: (file) => asDamaged(file, bucket.open({ bucket: name, key: `${prefix}${file}` })) };
}

/** In a bucket that it may not list, S3 says of what is missing that it may not be read. */
async function asDamaged<Answer>(file: string, request: Promise<Answer>): Promise<Answer> {
  try {
    return await request;
  } catch (error) {
    const { $metadata } = error as { $metadata?: { httpStatusCode?: number } };
    if ($metadata?.httpStatusCode !== 403) throw error;
    throw new DamagedError(`${file} is missing, or may not be read: S3 answered 403`);
  }
}

/** Compares what S3 keeps of a payload with the manifest; reads it only where S3 keeps no checksum. */
export function cheapCheck(bucket: ArchiveBucket, { bucket: name, key: prefix }: Place): CheckPayload {
  return async (payload) => {
    const head = await asDamaged(payload.name, bucket.head({ bucket: name, key: `${prefix}${payload.name}` }));
    if (head && head.checksum === undefined)
      return payloadDamage(bucketFiles(bucket, { bucket: name, key: prefix }), payload);
    return difference(payload, head);
  };
}

/** Longer ones are too long to be read while somebody waits: S3's own checksum has to do, bytes. */
const largestRead = 1024 ** 3;

/** Reads every payload up to 1 GiB, whatever S3 says of it. */
export function thoroughCheck(bucket: ArchiveBucket, place: Place): CheckPayload {
  return (payload) =>
    payload.bytes <= largestRead
      ? payloadDamage(bucketFiles(bucket, place), payload)
      : cheapCheck(bucket, place)(payload);
}
