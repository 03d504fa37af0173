import { expect, test } from 'vitest';
import { DamagedError, openManifest } from '../../../archive/verifier.ts';
import type { ArchiveBucket } from '../../../functions/backups/bucket/archive-bucket.ts';
import { bucketFiles, cheapCheck } from '../../../functions/backups/bucket/bucket-files.ts';

const place = { bucket: 'archive', key: 'tenure/' };

/** A bucket that answers every request with this error of S3. */
function failing(name: string, httpStatusCode: number): ArchiveBucket {
  const fail = () => Promise.reject(Object.assign(new Error(name), { name, $metadata: { httpStatusCode } }));
  return { open: fail, head: fail } as unknown as ArchiveBucket;
}

test('in a bucket that may not be listed, what is missing is refused, and damage as if it were known to be missing', async () => {
  const refusing = failing('AccessDenied', 403);
  const message = (file: string) => `${file} is missing, or may not be read: S3 answered 403`;
  const manifest = openManifest(bucketFiles(refusing, place));
  await expect(manifest).rejects.toThrow(new DamagedError(message('manifest.json')));
  const payload = { name: 'payloads/a', bytes: 1, sha256: 'b'.repeat(64) };
  await expect(cheapCheck(refusing, place)(payload as never)).rejects.toThrow(new DamagedError(message('payloads/a')));
});

test('any other error of S3 is no damage', async () => {
  const manifest = openManifest(bucketFiles(failing('SlowDown', 503), place));
  await expect(manifest).rejects.toMatchObject({ name: 'SlowDown' });
});
