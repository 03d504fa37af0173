/** A worker with no more than a worker's rights: what it may write into an archive that the service calls COMPLETED. */
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { ArchiveEntry } from '../../../api/archive.ts';
import { pagedSource } from '../../../archive/paged-source.ts';
import type { ArchiveSource, ArchiveTarget } from '../../../archive/ports.ts';
import { writeArchive } from '../../../archive/writer.ts';
import type { BackupRecord } from '../../../functions/backups/backup.ts';
import { S3ArchiveBucket } from '../../../functions/backups/bucket/archive-bucket.ts';
import { attemptPlace } from '../../../functions/backups/bucket/archive-place.ts';
import { getOrThrow } from '../../../functions/backups/records.ts';
import { initialise, memoryWriter } from '../../support/backups/memory-logs.ts';
import { checkpoint, submit } from '../../support/job-world.ts';
import { type ArchiveWorld, openArchives } from './archive-world.ts';

let archive: ArchiveWorld;
beforeAll(async () => {
  archive = await openArchives();
});
afterAll(() => archive.world.close());

/** A backup that is cut and accepted, of a group with a job, its checkpoint and a log. */
async function accepted() {
  const { world, logs } = archive;
  const group = `served-${randomUUID()}`;
  const service = archive.process();
  const fence = await world.lead(group);
  await submit(service.jobs, fence, `/groups/${group}/jobs/j`, {});
  await checkpoint(service.jobs, fence, `/groups/${group}/jobs/j`, 'the state');
  await initialise(logs, group, 'events');
  await memoryWriter(logs.of(group, 'events'), 1).append('one', 'two', 'three');
  const record = await archive.cut(service, group);
  const page = (cursor: string | undefined) => service.archives.page(record, cursor);
  return { service, record, page };
}

type Accepted = Awaited<ReturnType<typeof accepted>>;

/** Writes the archive as a worker does, from these entries. */
async function written({ service, record }: Accepted, source: ArchiveSource) {
  const { group, backupId, attempt, cut = {} } = record;
  const bucket = new S3ArchiveBucket(archive.world.s3);
  const target: ArchiveTarget = {
    put: (name, bytes, sha256) =>
      bucket.put({ bucket: archive.world.bucket, key: `${attemptPlace(record)}${name}` }, bytes, sha256),
    async copy(payload) {
      const { copied } = await service.archives.copyPayloads(record, [payload], undefined, 10_000);
      const [one] = copied;
      if (!one) throw new Error('nothing was copied');
      return one;
    },
  };
  const answer = await writeArchive(
    source,
    target,
    { group, backupId, attempt, cut, version: '1.2.3' },
    archive.writer,
  );
  if (!answer) throw new Error('nothing was written');
  const { served } = (await getOrThrow(archive, record)).record;
  const finished: BackupRecord = { ...record, ...answer, served };
  return service.archives.verify(finished, undefined, 60_000);
}

const changing = (
  source: ArchiveSource,
  change: (entries: readonly ArchiveEntry[]) => ArchiveEntry[],
): ArchiveSource => ({
  async *batches(after) {
    for await (const batch of source.batches(after)) yield { ...batch, entries: change(batch.entries) };
  },
});

const notServed = { kind: 'damaged', why: expect.stringContaining('are not those that its worker was served') };

test('the entries served and application entries of its own make a backup', async () => {
  const backup = await accepted();
  const source = changing(pagedSource(backup.page), (entries) => [
    ...entries,
    { type: 'application', data: { own: 1 } },
  ]);
  expect(await written(backup, source)).toMatchObject({ kind: 'intact' });
});

test('a job that it has invented fails the backup', async () => {
  const backup = await accepted();
  const source = changing(pagedSource(backup.page), (entries) =>
    entries.flatMap((entry): ArchiveEntry[] => {
      if (entry.type !== 'job') return [entry];
      return [{ ...entry, jobId: 'a-forged-job', graph: undefined, commits: [], nextCheckpointId: 1 }, entry];
    }),
  );
  expect(await written(backup, source)).toEqual(notServed);
});

test.each([
  [
    'a log entry that it has changed',
    (entry: ArchiveEntry) => (entry.type === 'log-entry' ? { ...entry, data: 'AAAA' } : entry),
  ],
  [
    'a fencing version that it has raised',
    (entry: ArchiveEntry) => (entry.type === 'job' ? { ...entry, fence: 1_000 } : entry),
  ],
])('%s fails the backup', async (_what, change) => {
  const backup = await accepted();
  const source = changing(pagedSource(backup.page), (entries) => entries.map(change));
  expect(await written(backup, source)).toEqual(notServed);
});

test('a job that it leaves out fails the backup', async () => {
  const backup = await accepted();
  const source = changing(pagedSource(backup.page), (entries) =>
    entries.filter(({ type }) => type !== 'job' && type !== 'checkpoint'),
  );
  expect(await written(backup, source)).toEqual(notServed);
});

test('a worker that did not ask for the last page was not served everything', async () => {
  const backup = await accepted();
  const source = pagedSource(async (cursor) =>
    cursor !== undefined && JSON.parse(cursor).at.log === 1 ? { entries: [] } : backup.page(cursor),
  );
  expect(await written(backup, source)).toEqual({
    kind: 'damaged',
    why: expect.stringContaining('was not served everything'),
  });
});

test('a cursor that the service did not hand out is refused', async () => {
  const { page } = await accepted();
  const { nextCursor = '' } = await page(undefined);
  const forged = JSON.stringify({ ...JSON.parse(nextCursor), chain: 'a'.repeat(64) });
  await expect(page(forged)).rejects.toMatchObject({ code: 'attempt_superseded' });
  await expect(page('{"jobs":null}')).rejects.toMatchObject({ code: 'invalid_request' });
  expect(await page(nextCursor)).toHaveProperty('entries');
});
