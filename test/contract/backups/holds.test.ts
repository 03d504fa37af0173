import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { attemptPlace } from '../../../functions/backups/archive/archive-place.ts';
import { verifyArchive } from '../../../functions/backups/archive/archive-verifier.ts';
import { bucketFiles } from '../../../functions/backups/archive/bucket-files.ts';
import type { BackupRecord } from '../../../functions/backups/backup.ts';
import { archiveBucket } from '../../../functions/backups/backup-bucket.ts';
import { cancelled, settled } from '../../../functions/backups/records.ts';
import { checkpoint, submit } from '../../support/job-world.ts';
import { type ArchiveWorld, type BackupProcess, openArchives } from './archive-world.ts';

let archive: ArchiveWorld;
beforeAll(async () => {
  archive = await openArchives();
});
afterAll(() => archive.world.close());

/** A group with one job and its one checkpoint. */
async function opened() {
  const group = `held-${randomUUID()}`;
  const service = archive.process();
  const fence = await archive.world.lead(group);
  const job = `/groups/${group}/jobs/j`;
  await submit(service.jobs, fence, job, { retain: 1 });
  const { uploadId } = await checkpoint(service.jobs, fence, job, 'the state');
  return { group, service, uploadId, commit: (state: string) => checkpoint(service.jobs, fence, job, state) };
}

const cancel = (record: BackupRecord) => settled({ ...archive, clock: archive.world.clock }, record, cancelled);

/** Does something right after the next job was recorded. */
function afterHoldJob({ jobs: { room } }: BackupProcess, act: () => Promise<unknown>) {
  const { holdJob } = room.held;
  room.held.holdJob = async (...asked) => {
    room.held.holdJob = holdJob;
    const job = await holdJob(...asked);
    await act();
    return job;
  };
}

describe('the clean-up of a cancelled backup', () => {
  test('deletes nothing that the next one has recorded and not yet copied', async () => {
    const { group, service, uploadId, commit } = await opened();
    const first = await archive.record(group);
    await service.cutting.cut(first);
    await service.archives.page(first, JSON.stringify({ jobs: null }));
    await cancel(first);
    afterHoldJob(service, async () => {
      await commit('a newer state');
      await service.cutting.release(group, first.backupId);
    });
    const second = await archive.backUp(service, group);
    const prefix = { bucket: archive.world.bucket, key: attemptPlace(second) };
    const manifest = await verifyArchive(bucketFiles(archiveBucket(archive.world.s3), prefix));
    expect(manifest.unreadable).toEqual([]);
    expect(manifest.payloads.map(({ name }) => name)).toContainEqual(expect.stringContaining(uploadId));
  });
});
