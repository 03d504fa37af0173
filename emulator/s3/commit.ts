import type { Readable } from 'node:stream';
import type { Received } from './body.ts';
import type { Bucket, Upload } from './bucket.ts';
import type { Algorithm } from './checksums.ts';
import { digestOf, newHasher } from './checksums.ts';
import type { WriteCondition } from './conditions.ts';
import type { Description, ObjectRecord, PartRecord } from './records.ts';

type Fill = (write: (piece: Buffer) => Promise<void>) => Promise<Received>;

/**
 * Writes bytes into a blob and then makes them the object, if the condition holds when all bytes are in: of racing
 * writers the first to finish wins. Nothing is left behind when it does not.
 */
export async function commitObject(
  bucket: Bucket,
  about: Description & { key: string; lastModified: () => number },
  condition: WriteCondition,
  fill: Fill,
): Promise<ObjectRecord> {
  return bucket.runGuarded(about.key, condition, async (guard) => {
    const { blob, result } = await bucket.blobs.create(fill);
    const lastModified = about.lastModified();
    const record: ObjectRecord = {
      ...about,
      size: result.size,
      etag: result.md5,
      lastModified,
      ...(result.checksum && {
        checksum: { algorithm: result.checksum.algorithm, type: 'FULL_OBJECT', value: result.checksum.value },
      }),
      parts: [{ number: 1, blob, size: result.size, md5: result.md5, lastModified }],
    };
    await keepOrRemove(bucket, blob, () => bucket.put(record, condition, guard));
    return record;
  });
}

/** Writes bytes into a blob and then makes them a part of the upload, if the upload still exists. */
export async function commitPart(
  bucket: Bucket,
  upload: Upload,
  about: { number: number; lastModified: () => number },
  fill: Fill,
): Promise<PartRecord> {
  const { blob, result } = await bucket.blobs.create(fill);
  const part: PartRecord = {
    number: about.number,
    blob,
    size: result.size,
    md5: result.md5,
    ...(result.checksum && { checksum: { algorithm: result.checksum.algorithm, value: result.checksum.value } }),
    lastModified: about.lastModified(),
  };
  await keepOrRemove(bucket, blob, () => bucket.addPart(upload, part));
  return part;
}

/**
 * Passes stored bytes through `write`, as if they came in a request. Take the stream from `Blobs.read` in the same turn
 * as the decision to read: from then on the bytes stay, whatever becomes of their object.
 */
export async function receiveStored(
  bytes: Readable,
  algorithm: Algorithm | undefined,
  write: (piece: Buffer) => Promise<void>,
): Promise<Received> {
  const md5 = newHasher('MD5');
  const checksum = algorithm && newHasher(algorithm);
  let size = 0;
  for await (const piece of bytes) {
    size += piece.length;
    md5.update(piece);
    checksum?.update(piece);
    await write(piece);
  }
  return {
    size,
    md5: (await digestOf(md5)).toString('hex'),
    checksum: algorithm &&
      checksum && { algorithm, value: (await digestOf(checksum)).toString('base64'), given: false },
  };
}

async function keepOrRemove(bucket: Bucket, blob: string, commit: () => string[]) {
  let replaced: string[];
  try {
    replaced = commit();
  } catch (cause) {
    await bucket.blobs.remove([blob]);
    throw cause;
  }
  await bucket.blobs.remove(replaced);
}
