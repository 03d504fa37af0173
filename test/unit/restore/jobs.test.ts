import { expect, test } from 'vitest';
import type { CheckpointEntry, JobEntry } from '../../../api/archive.ts';
import type { ArchiveBucket, Head } from '../../../functions/backups/bucket/archive-bucket.ts';
import { restoreJob } from '../../../functions/restore/jobs.ts';
import type { RestoreStore } from '../../../functions/restore/restore-store.ts';
import { sampleGroup, sha256 } from '../../support/backups/archives.ts';

const hour = 3_600_000;
const now = 100 * hour;

/** Restores a job whose payloads have been copied before, at that time; returns how many are copied again. */
async function copiedAgain(modifiedAt: number): Promise<number> {
  const { entries, payloads } = sampleGroup();
  const job = entries[1] as JobEntry;
  const checkpoint = entries[2] as CheckpointEntry;
  const files = new Map(
    [...payloads].map(([name, bytes]) => [name, { name, bytes: bytes.length, sha256: sha256(bytes) }] as const),
  );
  const headOf = (key: string): Head => {
    const [, file] = [...files].find(([name]) => name.endsWith(key.slice(key.lastIndexOf('/')))) ?? [];
    const checksum = Buffer.from(file?.sha256 ?? '', 'hex').toString('base64');
    return { bytes: file?.bytes ?? 0, checksum };
  };
  let copied = 0;
  const bucket = {
    head: async ({ key }) => ({ ...headOf(key), modifiedAt }),
    copy: async (_from, { key }) => {
      copied += 1;
      return { copied: headOf(key) };
    },
  } satisfies Partial<ArchiveBucket> as unknown as ArchiveBucket;
  const restores = { putJob: async () => {} } as unknown as RestoreStore;
  const parts = { restores, bucket, bucketName: 'bucket', clock: { now: () => now }, resultRetentionDays: 7 };
  const source = { bucket: 'bucket', prefix: 'backups/' };
  await restoreJob(parts, 'to', source, files, { job, checkpoints: [checkpoint] }, () => true);
  return copied;
}

test('a copy that an earlier step has made is taken over, unless the collector may be about to delete it', async () => {
  expect(await copiedAgain(now - hour)).toBe(0);
  expect(await copiedAgain(now - 13 * hour)).toBe(2);
});
