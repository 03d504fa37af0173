import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { ArchiveEntry } from '../../../api/archive.ts';
import { verifyArchive } from '../../../archive/verifier.ts';
import type { BackupRecord } from '../../../functions/backups/backup.ts';
import { S3ArchiveBucket } from '../../../functions/backups/bucket/archive-bucket.ts';
import { attemptPlace } from '../../../functions/backups/bucket/archive-place.ts';
import { bucketFiles } from '../../../functions/backups/bucket/bucket-files.ts';
import { cancelled, endBackup } from '../../../functions/backups/records.ts';
import type { Job } from '../../../functions/jobs/job.ts';
import { recordJobs, releaseDeletes } from '../../../functions/jobs/payloads/held-deletes.ts';
import { initialise } from '../../support/backups/memory-logs.ts';
import { checkpoint, submit } from '../../support/job-world.ts';
import { overriding } from '../../support/overriding.ts';
import { type ArchiveWorld, type BackupProcess, openArchives } from './archive-world.ts';

let archive: ArchiveWorld;
beforeAll(async () => {
  archive = await openArchives();
});
afterAll(() => archive.world.close());

/** A group with two logs, and one job with its one checkpoint. */
async function opened() {
  const { world, logs } = archive;
  const group = `held-${randomUUID()}`;
  const service = archive.process();
  const fence = await world.lead(group);
  const job = `/groups/${group}/jobs/j`;
  await submit(service.jobs, fence, job, { retain: 1 });
  const { uploadId } = await checkpoint(service.jobs, fence, job, 'the state');
  for (const log of ['a', 'b']) await initialise(logs, group, log);
  const { held, jobs } = service.jobs.room;
  return {
    group,
    service,
    held,
    uploadId,
    commit: (state: string) => checkpoint(service.jobs, fence, job, state),
    /** Whether the group, its logs and its job are held by this backup. */
    async isHeldBy({ backupId }: BackupRecord) {
      const from = await Promise.all(['a', 'b'].map((log) => logs.heldFrom(group, log, backupId)));
      return {
        group: (await held.heldBy(group)) === backupId,
        logs: from.map((position) => position !== undefined),
        job: ((await jobs.read({ group, jobId: 'j' })) as Job).heldBy === backupId,
      };
    },
  };
}

const everything = { group: true, logs: [true, true], job: true };
const nothing = { group: false, logs: [false, false], job: false };

/** All lines that the attempt is served. */
async function servedTo({ archives }: BackupProcess, record: BackupRecord): Promise<ArchiveEntry[]> {
  const entries: ArchiveEntry[] = [];
  let page = await archives.page(record, undefined);
  for (entries.push(...page.entries); page.nextCursor !== undefined; entries.push(...page.entries)) {
    page = await archives.page(record, page.nextCursor);
  }
  return entries;
}

/** Marks the job, as the cut does; false when the backup no longer holds the group. */
const marks = async ({ jobs }: BackupProcess, { group, backupId }: BackupRecord) =>
  (await recordJobs(jobs.room, group, ['j'], backupId)) !== undefined;

const cancel = (record: BackupRecord) => endBackup({ ...archive, clock: archive.world.clock }, record, cancelled);

describe('the clean-up of a cancelled backup', () => {
  test('deletes nothing that the next one has recorded and not yet copied', async () => {
    const { group, service, uploadId, commit } = await opened();
    const first = await archive.record(group);
    await service.cutter.cut(first);
    await cancel(first);
    const second = await archive.backUp(service, group, async () => {
      await commit('a newer state');
      await service.cutter.release(group, first.backupId);
    });
    const prefix = { bucket: archive.world.bucket, key: attemptPlace(second) };
    const manifest = await verifyArchive(bucketFiles(new S3ArchiveBucket(archive.world.s3), prefix));
    expect(manifest.unreadable).toEqual([]);
    expect(manifest.payloads.map(({ name }) => name)).toContainEqual(expect.stringContaining(uploadId));
  });
});

describe('a cancelled backup that acts too late', () => {
  test('changes nothing of what the next one holds: a cut that was opening the logs', async () => {
    const { group, service, isHeldBy } = await opened();
    const first = await archive.record(group);
    let second = first;
    const { logs } = archive;
    const stalled = archive.process({
      logs: {
        ...logs,
        async hold(...asked) {
          if (asked[1] === 'b') {
            await cancel(first);
            second = await archive.record(group);
            expect(await service.cutter.cut(second)).toHaveProperty('cut');
          }
          return logs.hold(...asked);
        },
      },
    });
    expect(await stalled.cutter.cut(first)).toEqual({
      kind: 'again',
      again: `log "b": backup ${second.backupId} holds it`,
    });
    await service.cutter.release(group, first.backupId);
    expect(await isHeldBy(second)).toEqual(everything);
  });

  test('changes nothing of what the next one holds: a cut that had not begun, a mark', async () => {
    const { group, service, isHeldBy } = await opened();
    const first = await archive.record(group);
    await service.cutter.cut(first);
    await cancel(first);
    const second = await archive.record(group);
    await service.cutter.cut(second);
    expect(await service.cutter.cut(first)).toEqual({
      kind: 'again',
      again: `backup ${second.backupId} holds group "${group}"`,
    });
    expect(await marks(service, first)).toBe(false);
    expect(await isHeldBy(second)).toEqual(everything);
  });

  test('holds nothing back when no other runs', async () => {
    const { group, service, isHeldBy } = await opened();
    const first = await archive.record(group);
    await service.cutter.cut(first);
    await cancel(first);
    await service.cutter.release(group, first.backupId);
    expect(await marks(service, first)).toBe(false);
    expect(await isHeldBy(first)).toEqual(nothing);
    await service.cutter.cut(first);
    expect(await isHeldBy(first)).toEqual(nothing);
  });

  test('leaves no mark, whenever in the clean-up it marks the job', async () => {
    for (const request of ['release', 'listHeldJobs', 'listDeferred'] as const) {
      const { group, service, held, isHeldBy } = await opened();
      const first = await archive.record(group);
      await service.cutter.cut(first);
      await cancel(first);
      let marking: Promise<boolean> | undefined;
      const late = archive.process();
      const carryOut = (held[request] as (...all: never[]) => Promise<unknown>).bind(held);
      const cleaning = overriding(held, {
        async [request](...asked: never[]) {
          marking ??= marks(late, first);
          await marking;
          return carryOut(...asked);
        },
      } as Partial<typeof held>);
      await releaseDeletes({ ...service.jobs.room, held: cleaning }, group, first.backupId);
      expect(await marking).toBe(request === 'release');
      expect(await isHeldBy(first)).toMatchObject({ group: false, job: false });
    }
  });
});

test('the next backup takes over leftovers of the one before', async () => {
  const { group, service, held, isHeldBy } = await opened();
  const gone = { backupId: randomUUID(), from: 0 };
  for (const log of ['a', 'b']) await archive.logs.hold(group, log, gone);
  await held.holdJob({ group, jobId: 'j' }, gone.backupId);
  const next = await archive.record(group);
  const cut = await service.cutter.cut(next);
  expect(cut).toHaveProperty('cut');
  const job = [
    { type: 'job', jobId: 'j' },
    { type: 'checkpoint', jobId: 'j' },
  ];
  const logs = [
    { type: 'log', log: 'a' },
    { type: 'log', log: 'b' },
  ];
  expect(await servedTo(service, { ...next, ...cut })).toMatchObject([{ type: 'leadership' }, ...job, ...logs]);
  expect(await isHeldBy(next)).toEqual(everything);
  await service.cutter.release(group, next.backupId);
  expect(await isHeldBy(next)).toEqual(nothing);
});
