import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { BackupRecord } from '../../../functions/backups/backup.ts';
import { getOrThrow } from '../../../functions/backups/records.ts';
import { initialise, memoryWriter } from '../../support/backups/memory-logs.ts';
import { type ArchiveWorld, type BackupProcess, openArchives } from './archive-world.ts';

let archive: ArchiveWorld;
beforeAll(async () => {
  archive = await openArchives();
});
afterAll(() => archive.world.close());

/** A backup that is cut, and not worked on yet. */
async function placed(): Promise<BackupRecord> {
  const { logs } = archive;
  const group = `sealed-${randomUUID()}`;
  await initialise(logs, group, 'events');
  await memoryWriter(logs.of(group, 'events'), 1).append('one', 'two');
  const record = await archive.record(group);
  const taken = await archive.process().cutter.cut(record);
  if (taken.kind === 'again') throw new Error(taken.again);
  const { kind: _kind, ...fixed } = taken;
  return { ...record, ...fixed };
}

/** Slices until one of them tells the finish. */
async function worked({ archives }: BackupProcess, record: BackupRecord) {
  for (;;) {
    const slice = await archives.work(record, { budgetMs: 60_000, report: async () => 'continue' });
    if (slice.kind === 'finished') return slice.finished;
  }
}

test('an archive is sealed once: a slice that comes later, or at the same time, tells the same finish', async () => {
  const record = await placed();
  const all = await Promise.all(Array.from({ length: 4 }, () => worked(archive.process(), record)));
  archive.world.advance(5_000);
  const late = await worked(archive.process(), record);
  for (const finished of all) expect(finished).toEqual(late);
  const { served } = (await getOrThrow(archive, record)).record;
  const verification = await archive.process().archives.verify({ ...record, ...late, served }, undefined, 60_000);
  expect(verification).toEqual({ kind: 'intact', entryCount: late.entryCount, bytes: late.bytes });
});
