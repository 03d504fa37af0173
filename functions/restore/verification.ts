/** Verifying what is going to be restored, as far as the time allows. */

import type { Manifest } from '../../api/archive.ts';
import { payloadsAtOnce, verifyNext } from '../../archive/verifier.ts';
import type { Clock } from '../../store/clock.ts';
import { isUnavailable } from '../../store/store-errors.ts';
import type { ArchiveBucket } from '../backups/bucket/archive-bucket.ts';
import { bucketFiles, thoroughCheck } from '../backups/bucket/bucket-files.ts';
import type { RestoreRecord, RestoreSource } from './restore-store.ts';

interface Verifying {
  readonly bucket: ArchiveBucket;
  readonly clock: Clock;
}

export const filesOf = ({ bucket }: Pick<Verifying, 'bucket'>, { bucket: name, prefix }: RestoreSource) =>
  bucketFiles(bucket, { bucket: name, key: prefix });

/**
 * Files of entries are a few MiB, payloads may be large: `payloadBytes` bounds what is begun at once. A store that is
 * throttled ends it early with what was verified before: of hundreds of requests one fails for as long as that lasts.
 * Throws `DamagedError`.
 */
export async function verifySome(
  room: Verifying,
  record: RestoreRecord,
  manifest: Manifest,
  until: number,
  payloadBytes = Number.POSITIVE_INFINITY,
): Promise<RestoreRecord> {
  const { source } = record;
  const files = filesOf(room, source);
  const check = thoroughCheck(room.bucket, { bucket: source.bucket, key: source.prefix });
  let { verifier } = record;
  for (let done = false; !done; ) {
    if (room.clock.now() >= until || nextBytes(manifest, verifier) > payloadBytes) return { ...record, verifier };
    const next = await verifyNext(files, manifest, verifier, check).catch((error: unknown) => {
      if (verifier === record.verifier || !isUnavailable(error)) throw error;
      return undefined;
    });
    if (!next) return { ...record, verifier };
    ({ state: verifier, done } = next);
  }
  return { ...record, verifier, state: 'RESTORING' };
}

function nextBytes({ files, payloads }: Manifest, { file, payload }: RestoreRecord['verifier']): number {
  if (file < files.length) return 0;
  return payloads.slice(payload, payload + payloadsAtOnce).reduce((sum, { bytes }) => sum + bytes, 0);
}
