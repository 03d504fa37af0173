import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { verifyArchive } from '../../../archive/verifier.ts';
import { S3ArchiveBucket } from '../../../functions/backups/bucket/archive-bucket.ts';
import { attemptPlace } from '../../../functions/backups/bucket/archive-place.ts';
import { bucketFiles } from '../../../functions/backups/bucket/bucket-files.ts';
import { type Job, referredPayloads } from '../../../functions/jobs/job.ts';
import { payloadKey } from '../../../functions/jobs/payloads/upload.ts';
import { contend } from '../../../leadership/contend.ts';
import { leaseTable } from '../../../leadership/lease-table.ts';
import { sizes } from '../../sizes.ts';
import { memoryWriter } from '../../support/backups/memory-logs.ts';
import { seededRandom } from '../../support/seeded-random.ts';
import { type ArchiveWorld, openArchives } from '../backups/archive-world.ts';
import { bare, logAt, logNames, logNow, randomGroup } from '../backups/random-group.ts';

let archive: ArchiveWorld;
beforeAll(async () => {
  archive = await openArchives();
});
afterAll(() => archive.world.close());

const jobsOf = async (group: string): Promise<Job[]> => {
  const page = await archive.process().jobs.room.jobs.list(group, undefined, 1_000);
  return page.items as Job[];
};

describe('restore equals the cut', () => {
  const seeds = Array.from({ length: sizes.backups.randomGroups }, (_, at) => at + 1);

  test.each(seeds)('of random group %i whose writers continue', async (seed) => {
    const { world, logs } = archive;
    const random = seededRandom(seed);
    const [group, target] = [`from-${seed}-${randomUUID()}`, `to-${seed}-${randomUUID()}`];
    const service = archive.process();
    const leader = world.process();
    const { fence, step } = await randomGroup(world, leader, logs, group, random);
    for (let n = random.integer(5, 40); n > 0; n -= 1) await step();

    let going = true;
    const writing = (async () => {
      while (going) await step();
    })();
    const backup = await archive.backUp(service, group, async () => {
      for (let n = 0; n < 5; n += 1) await new Promise((resolve) => setTimeout(resolve, 10));
    });
    for (let n = 0; n < 3; n += 1) await new Promise((resolve) => setTimeout(resolve, 10));
    going = false;
    await writing;
    const { cut = {}, backupId } = backup;
    const expected = new Map(
      await Promise.all(logNames.map(async (log) => [log, await logAt(logs, group, log, cut[log] ?? -1)] as const)),
    );
    await service.cutter.release(group, backupId);
    const prefix = { bucket: world.bucket, key: attemptPlace(backup) };
    const manifest = await verifyArchive(bucketFiles(new S3ArchiveBucket(world.s3), prefix));
    expect(manifest.unreadable).toEqual([]);
    expect(manifest.cut).toEqual(cut);

    const uri = service.archives.uri(backup);
    const trusting = archive.process({ restoreSources: [`s3://${world.bucket}/backups/`] });
    const restore = await trusting.restore({ group: target, uri });
    expect(restore).toMatchObject({ state: 'COMPLETED', restoredEntries: manifest.counts.entries });

    const restored = await jobsOf(target);
    expect(restored.map(bare)).toEqual(
      [...service.recorded.values()].sort((a, b) => (a.jobId < b.jobId ? -1 : 1)).map(bare),
    );
    for (const job of restored) {
      if (job.state === 'FINISHED') continue;
      for (const payloadId of referredPayloads(job)) {
        const stored = await leader.room.payloads.stat(payloadKey(target, job.jobId, payloadId));
        const [ref] = [job.graph, ...job.checkpoints, ...job.savepoints].filter((one) => one?.payloadId === payloadId);
        const digest = ref && 'sha256' in ref ? Buffer.from(ref.sha256, 'hex').toString('base64') : '';
        expect(stored?.checksum).toBe(digest);
      }
    }
    expect(await logs.list(target)).toEqual(logNames);
    for (const log of logNames) expect(await logNow(logs, target, log)).toEqual(expected.get(log));

    const leadership = { store: leaseTable(world.other, world.table), clock: world.clock, maxClockSkewMs: 0 };
    const term = await contend(leadership, target, { contenderId: 'next', leaseMs: 5_000 }, randomUUID());
    expect(term.fencingVersion).toBeGreaterThan(fence.fencingVersion + 1_000);
    expect(term.fencingVersion).toBeLessThan(2 ** 28);
    for (const log of logNames) {
      const writer = memoryWriter(logs.of(target, log), term.fencingVersion);
      expect(await writer.append('after the restore')).toBe((cut[log] ?? -1) + 1);
    }
  });
});
