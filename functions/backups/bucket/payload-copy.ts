/** Copying the payloads of a group into a backup, and back out of it. */

import type { ReferredPayload } from '../../../archive/format.ts';
import { payloadName } from '../../../archive/format.ts';
import type { Copied } from '../../../archive/ports.ts';
import type { ArchiveBucket, CopyLimits, Head, Place } from './archive-bucket.ts';

/** S3 copies up to 5 GiB at once; so much it copies within the time that a slice of work has. */
export const largestWholeCopy = 512 * 1024 ** 2;

export const base64 = (hex: string): string => Buffer.from(hex, 'hex').toString('base64');
const hex = (checksum: string) => Buffer.from(checksum, 'base64').toString('hex');

export const isComposite = (checksum: string | undefined): checksum is string => checksum?.includes('-') ?? false;

/** How an object in S3 differs from the promised one; undefined when they agree. */
export function difference(
  { bytes, sha256, composite }: Pick<ReferredPayload, 'bytes' | 'sha256' | 'composite'>,
  found: Head | undefined,
): string | undefined {
  if (!found) return 'is missing';
  if (found.bytes !== bytes) return `has ${found.bytes} bytes instead of ${bytes}`;
  const expected = isComposite(found.checksum) ? composite : base64(sha256);
  if (found.checksum === expected) return undefined;
  return `has the checksum ${found.checksum ?? '(none)'} instead of ${expected ?? '(unknown)'}`;
}

/** Smaller ones are copied again rather than asked about: that is one request instead of three. */
const smallBytes = 16 * 1024 ** 2;

/**
 * Copies a payload into a backup; again, if a large one is there already and as it should be, does nothing. A payload
 * that is not what its job says is reported as unreadable: the job is as damaged in the backup as it was in the group.
 */
export async function copyIntoBackup(
  bucket: ArchiveBucket,
  from: Place,
  { bucket: name, key: prefix }: Place,
  payload: ReferredPayload,
  limits: CopyLimits,
): Promise<Copied | { readonly resume: string }> {
  const file = payloadName(payload.jobId, payload.payloadId);
  const to = { bucket: name, key: `${prefix}${file}` };
  const { bytes, sha256, composite } = payload;
  if (composite === undefined && bytes <= smallBytes) {
    // The digest of the copy says whether the payload was whole.
    const outcome = await bucket.copy(from, to, bytes, limits).catch(unlessMissing);
    if (outcome && 'copied' in outcome && outcome.copied.checksum === base64(sha256)) {
      return { file: { name: file, bytes, sha256 } };
    }
  }
  const [source, there] = await Promise.all([bucket.head(from), bucket.head(to)]);
  const wrong = difference(payload, source);
  if (wrong !== undefined) return { unreadable: { name: file, reason: `its payload ${wrong}` } };
  const done = there?.bytes === bytes && there.checksum !== undefined;
  const outcome = done ? { copied: there } : await bucket.copy(from, to, bytes, limits);
  if ('resume' in outcome) return outcome;
  const { checksum } = outcome.copied;
  if (isComposite(checksum)) return { file: { name: file, bytes, sha256, composite: checksum } };
  if (checksum === base64(sha256)) return { file: { name: file, bytes, sha256 } };
  const reason = `its payload has the SHA-256 ${checksum ? hex(checksum) : '(none)'} instead of ${sha256}`;
  return { unreadable: { name: file, reason } };
}

/** The requests that follow say what is wrong with the payload. */
function unlessMissing(error: unknown): undefined {
  const { name } = error as Error;
  if (name !== 'NoSuchKey' && name !== 'NotFound') throw error;
}
