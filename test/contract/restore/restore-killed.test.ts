import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { BackupRecord } from '../../../functions/backups/backup.ts';
import type { Job } from '../../../functions/jobs/job.ts';
import { startRestore } from '../../../functions/restore/restore.ts';
import { stepRestore } from '../../../functions/restore/steps.ts';
import { contend } from '../../../leadership/contend.ts';
import { leaseTable } from '../../../leadership/lease-table.ts';
import { sizes } from '../../sizes.ts';
import { CrashedError } from '../../support/faults.ts';
import { overriding } from '../../support/overriding.ts';
import { seededRandom } from '../../support/seeded-random.ts';
import { type ArchiveWorld, openArchives } from '../backups/archive-world.ts';
import { mortalProcess } from '../backups/mortal-process.ts';
import { bare, logNames, logNow, randomGroup } from '../backups/random-group.ts';

let archive: ArchiveWorld;
let backup: BackupRecord;
beforeAll(async () => {
  archive = await openArchives();
  const { world, logs } = archive;
  const service = archive.process();
  const group = `owner-${randomUUID()}`;
  const { step } = await randomGroup(world, world.process(), logs, group, seededRandom(7));
  for (let n = 0; n < 40; n += 1) await step();
  backup = await archive.backUp(service, group);
});
afterAll(() => archive.world.close());

const contentOf = async (group: string) => {
  const { items } = await archive.process().jobs.room.jobs.list(group, undefined, 1_000);
  const logs = await Promise.all(logNames.map((log) => logNow(archive.logs, group, log)));
  return { jobs: (items as Job[]).map(bare), logs };
};

const recordOf = async (group: string, restoreId: string) =>
  (await archive.process().restores.restores.read(group, restoreId))?.record;

async function leadershipOf(group: string) {
  const { world } = archive;
  const room = { store: leaseTable(world.other, world.table), clock: world.clock, maxClockSkewMs: 0 };
  return contend(room, group, { contenderId: 'next', leaseMs: 5_000 }, randomUUID());
}

/** Runs a restore that is killed at every `every`-th request, by processes that each live that long. */
async function restoreDying(lifetimes: (nth: number) => number) {
  const group = `to-${randomUUID()}`;
  const uri = archive.process().archives.uri(backup);
  const begun = mortalProcess(archive, Number.POSITIVE_INFINITY);
  const { restoreId } = await startRestore(begun.process.restores, { group, uri, requestId: 'r' }, 0);
  begun.end();
  let deaths = 0;
  for (let nth = 0; nth < 2_000; nth += 1) {
    const one = mortalProcess(archive, lifetimes(nth));
    try {
      const { over } = await stepRestore(one.process.restores, group, restoreId, 60_000);
      if (over) return { group, restoreId, deaths, requests: one.sent() };
    } catch (error) {
      if (!(error instanceof CrashedError)) throw error;
      deaths += 1;
    } finally {
      one.end();
    }
    const { world } = archive;
    const owned = await leaseTable(world.other, world.table).read(group, true);
    const completed = (await recordOf(group, restoreId))?.state === 'COMPLETED';
    // Before its first write the group is free, and behind its last.
    if (!owned || completed) continue;
    const problem = await leadershipOf(group).catch((error: { code?: string }) => error.code);
    if (problem !== 'group_restoring') throw new Error(`A contender was let in: ${JSON.stringify(problem)}`);
  }
  throw new Error('The restore never ended');
}

test('a restore that is killed at any request continues where it stopped, and ends with the same content', async () => {
  const whole = await restoreDying(() => Number.POSITIVE_INFINITY);
  const expected = await contentOf(whole.group);
  expect(expected.jobs.length).toBeGreaterThan(0);
  expect(expected.logs.some(({ entries }) => entries.length > 0)).toBe(true);
  const random = seededRandom(11);
  const points = Array.from({ length: sizes.backups.restoreKills }, () => random.integer(1, whole.requests));
  for (const point of points) {
    const killed = await restoreDying((nth) => (nth === 0 ? point : Number.POSITIVE_INFINITY));
    expect(killed.deaths).toBe(1);
    expect(await contentOf(killed.group)).toEqual(expected);
    expect(await recordOf(killed.group, killed.restoreId)).toMatchObject({
      state: 'COMPLETED',
      restoredEntries: backup.entryCount,
    });
    expect((await leadershipOf(killed.group)).fencingVersion).toBeGreaterThan(100_000);
  }
}, 600_000);

test('a step that comes late changes nothing of what the new leader did', async () => {
  const { world, logs } = archive;
  const { group, restoreId } = await restoreDying(() => Number.POSITIVE_INFINITY);
  const process = archive.process();
  const late = await recordOf(group, restoreId);
  if (!late) throw new Error('no record');
  const term = await leadershipOf(group);
  const [job] = (await process.jobs.room.jobs.list(group, undefined, 1_000)).items as Job[];
  const active = job && job.state === 'ACTIVE' ? job : undefined;
  if (active) await process.jobs.room.checkpoints.claim(active, term.fencingVersion);
  const before = await contentOf(group);
  const stale = {
    ...process.restores,
    restores: overriding(process.restores.restores, {
      read: async () => ({
        revision: 1,
        record: { ...late, state: 'RESTORING' as const, file: 0, logs: [], openLog: undefined, restoredEntries: 0 },
      }),
      replace: async () => undefined,
    }),
  };
  const outcome = await stepRestore(stale, group, restoreId, 300).catch((error: Error) => error);
  expect(outcome).toBeDefined();
  expect(await contentOf(group)).toEqual(before);
  expect(await leaseTable(world.other, world.table).read(group, true)).toMatchObject({
    fencingVersion: term.fencingVersion,
  });
  for (const log of logNames) {
    for (const { inForce } of logs.of(group, log).replicas) expect(inForce.status).toBe('VOTING');
  }
});
