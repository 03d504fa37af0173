import { randomUUID } from 'node:crypto';
import { expect, test } from 'vitest';
import type { ArchiveEntry } from '../../../api/archive.ts';
import { payloadName } from '../../../archive/format.ts';
import type { ArchivePage, ArchiveTarget } from '../../../archive/ports.ts';
import { verifyArchive } from '../../../archive/verifier.ts';
import { payloadsPerFile } from '../../../archive/writer.ts';
import { type PageParts, pageOf } from '../../../functions/backups/attempt/contents.ts';
import { putContents } from '../../../functions/backups/attempt/cut-contents.ts';
import { jobEntries } from '../../../functions/backups/attempt/job-entries.ts';
import type { BackupRecord } from '../../../functions/backups/backup.ts';
import type { ArchiveBucket } from '../../../functions/backups/bucket/archive-bucket.ts';
import { attemptPlace } from '../../../functions/backups/bucket/archive-place.ts';
import { OutOfTimeError, workSlice } from '../../../functions/backups/worker/built-in-worker.ts';
import type { Job } from '../../../functions/jobs/job.ts';
import type { Cut } from '../../../log/protocol/cut.ts';
import { identity, memoryArchive, sha256 } from '../../support/backups/archives.ts';
import { begunBackup } from '../../support/backups/begun-backup.ts';
import { memoryLogs } from '../../support/backups/memory-logs.ts';

const { group } = identity;
const budgetMs = 1_500;
const pageMs = 100;

/**
 * Works in slices on a clock that only pages and copies move: 1 ms for a payload that is there already, 3 ms for
 * another.
 */
function openWork(cut: Cut, page: (cursor: string | undefined) => Promise<ArchivePage>) {
  const archive = memoryArchive();
  const { files } = archive;
  const key = 'attempt/';
  let time = 0;
  const bucket = {
    head: async (place) => (files.has(place.key.slice(key.length)) ? { bytes: 1 } : undefined),
    open: (place) => archive.reader.open(place.key.slice(key.length)),
    async putNew(place, bytes) {
      files.set(place.key.slice(key.length), Buffer.from(bytes));
      return true;
    },
  } satisfies Partial<ArchiveBucket> as unknown as ArchiveBucket;
  const target = (goOn: () => boolean): ArchiveTarget => ({
    put: archive.target.put,
    async copy({ jobId, payloadId, bytes, sha256: digest }) {
      if (!goOn()) throw new OutOfTimeError();
      const name = payloadName(jobId, payloadId);
      time += files.has(name) ? 1 : 3;
      files.set(name, Buffer.alloc(bytes));
      return { file: { name, bytes, sha256: digest } };
    },
  });
  const work = {
    bucket,
    prefix: { bucket: 'bucket', key },
    identity: { ...identity, cut },
    target,
    now: () => time,
    suffix: 'a',
    async page(cursor: string | undefined) {
      time += pageMs;
      return page(cursor);
    },
  };
  return {
    reader: archive.reader,
    async slices(most: number): Promise<number[]> {
      const took: number[] = [];
      for (let done = false; !done; ) {
        if (took.length === most) throw new Error(`Not done after ${most} slices`);
        const from = time;
        done = (await workSlice(work, { budgetMs, report: async () => 'continue' })) !== undefined;
        took.push(time - from);
      }
      return took;
    },
  };
}

/** Each refers to as many payloads as a job can. */
function jobs(count: number): Job[] {
  const digest = sha256(Buffer.alloc(1));
  const payload = () => ({ payloadId: randomUUID(), bytes: 1, sha256: digest, committedAt: 1 });
  const refs = (first: number) => Array.from({ length: 32 }, (_, of) => ({ checkpointId: first + of, ...payload() }));
  return Array.from({ length: count }, (_, at) => {
    const checkpoints = refs(33).reverse();
    return {
      group,
      jobId: `job-${100 + at}`,
      state: 'ACTIVE',
      fence: 1,
      graph: payload(),
      retain: 32,
      checkpoints,
      savepoints: refs(1),
      commits: checkpoints.map(({ payloadId, checkpointId }) => ({ payloadId, checkpointId })),
      nextCheckpointId: 65,
      submittedAt: 1,
      requestId: 'r',
    };
  });
}

/** A cut of a group that has these jobs and no log. */
async function cutWith(all: readonly Job[]) {
  const objects = new Map<string, Uint8Array>();
  const bucket = {
    open: async ({ key }) => [objects.get(key)] as unknown as AsyncIterable<Uint8Array>,
    put: async ({ key }, bytes) => void objects.set(key, bytes),
  } satisfies Partial<ArchiveBucket> as unknown as ArchiveBucket;
  const begun = { ...begunBackup(group, 0), attempt: 1, cut: {} };
  const lines = (job: Job) => jobEntries(job).map((entry) => `${JSON.stringify(entry)}\n`);
  const contents = {
    token: 'cut',
    head: [{ type: 'leadership' as const, fencingVersion: 1, highestVersion: 1 }],
    jobs: new Map(all.map((job) => [job.jobId, lines(job).join('')])),
  };
  const files = await putContents(bucket, { bucket: 'bucket', key: attemptPlace(begun) }, contents);
  const record: BackupRecord = { ...begun, contents: { token: 'cut', files, key: 'secret' } };
  const parts: PageParts = { bucket, bucketName: 'bucket', logs: memoryLogs(), served: async () => {} };
  return { record, parts };
}

test('a group is backed up slice by slice, however many payloads it refers to', async () => {
  const all = jobs(90);
  const { record, parts } = await cutWith(all);
  const work = openWork({}, (cursor) => pageOf(parts, record, cursor));
  await work.slices(30);
  const { counts, files } = await verifyArchive(work.reader);
  expect(counts).toMatchObject({ jobs: 90, payloads: 90 * 65 });
  expect(files).toHaveLength(Math.ceil(90 / Math.ceil(payloadsPerFile / 65)));
});

test('a file that refers to a payload is closed when its slice ends, however long the log behind it is', async () => {
  const head: ArchiveEntry = { type: 'log', log: 'events', begin: 0, end: 40, promised: 5 };
  const [job] = jobs(1).flatMap((one) => jobEntries({ ...one, checkpoints: [], savepoints: [] }));
  const pages = Array.from({ length: 42 }, (_, at): ArchivePage => {
    const nextCursor = at < 41 ? `${at + 1}` : undefined;
    if (at === 0) return { entries: job ? [job] : [], nextCursor };
    const entry: ArchiveEntry = { type: 'log-entry', log: 'events', position: at - 1, data: 'aaaa' };
    return { entries: at === 1 ? [head, entry] : [entry], nextCursor };
  });
  const work = openWork({ events: 40 }, async (cursor) => pages[Number(cursor ?? 0)] ?? { entries: [] });
  await work.slices(10);
  expect(await verifyArchive(work.reader)).toMatchObject({ counts: { logEntries: 41, payloads: 1 } });
});

test('a slice ends in time between two pages, and the next continues behind the last one', async () => {
  const head: ArchiveEntry = { type: 'log', log: 'events', begin: 0, end: 40, promised: 5 };
  const pages = Array.from({ length: 41 }, (_, position): ArchivePage => {
    const entry: ArchiveEntry = { type: 'log-entry', log: 'events', position, data: 'aaaa' };
    return {
      entries: position === 0 ? [head, entry] : [entry],
      nextCursor: position < 40 ? `${position + 1}` : undefined,
    };
  });
  const work = openWork({ events: 40 }, async (cursor) => pages[Number(cursor ?? 0)] ?? { entries: [] });
  const took = await work.slices(10);
  // One page is fetched ahead of the one that is written.
  expect(Math.max(...took)).toBeLessThanOrEqual(budgetMs + 2 * pageMs);
  expect(await verifyArchive(work.reader)).toMatchObject({ counts: { logEntries: 41 } });
});
