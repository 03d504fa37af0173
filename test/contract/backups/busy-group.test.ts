/** A group whose leader changes another job between any two readings, and the settings of its cut. */
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { mapConcurrent } from '../../../archive/map-concurrent.ts';
import type { StateLock, StateLocks } from '../../../functions/jobs/state-locks.ts';
import { stateLocksTable } from '../../../functions/jobs/state-locks-table.ts';
import { initialise } from '../../support/backups/memory-logs.ts';
import { checkpoint, submit } from '../../support/job-world.ts';
import { overriding } from '../../support/overriding.ts';
import { type ArchiveWorld, openArchives } from './archive-world.ts';

let archive: ArchiveWorld;
beforeAll(async () => {
  archive = await openArchives();
});
afterAll(() => archive.world.close());

/** `commits`: between any two readings of all jobs, each to the next job. */
async function busy(jobs: number, cut: Parameters<ArchiveWorld['process']>[0] = {}, commits = 2) {
  const { world, logs } = archive;
  const group = `busy-${randomUUID()}`;
  const leader = archive.process().jobs;
  const fence = await world.lead(group);
  const paths = Array.from({ length: jobs }, (_, at) => `/groups/${group}/jobs/job-${at}`);
  await mapConcurrent(paths, 16, (path) => submit(leader, fence, path, {}));
  await initialise(logs, group, 'events');
  let turn = 0;
  let passes = 0;
  const answers: number[] = [];
  const locked: StateLock[] = [];
  const table = stateLocksTable(world.other, world.table);
  const commit = async () => {
    const { status } = await checkpoint(leader, fence, paths[turn % jobs] as string, `state ${randomUUID()}`);
    if (status === 201) turn += 1;
    answers.push(status);
  };
  const service = archive.process({
    ...cut,
    cut: {
      locks: overriding(table, {
        async lockJob(...asked) {
          locked.push(asked[1]);
          await table.lockJob(...asked);
        },
      }),
      ...cut.cut,
    },
    async afterPass() {
      passes += 1;
      for (let at = 0; at < commits; at += 1) await commit();
    },
  });
  const { backupId, attempt } = await archive.record(group);
  return {
    locked,
    answers,
    passes: () => passes,
    cut: () => service.cutter.cut({ group, backupId, attempt }),
    release: () => service.cutter.release(group, backupId),
    commit,
  };
}

test('a group with many jobs is held back once it does not agree by itself, for as long as its number of jobs takes', async () => {
  const { cut, locked, answers, passes, commit } = await busy(40);
  expect(await cut()).toMatchObject({ kind: 'cut', pausedMs: expect.any(Number) });
  // One marks the jobs, three are free, two agree.
  expect(passes()).toBe(1 + 3 + 2);
  expect(locked).toHaveLength(40);
  expect(new Set(locked.map(({ forMs }) => forMs))).toEqual(new Set([5_000 + 40 * 25]));
  expect(answers).toEqual([...Array(8).fill(201), ...Array(answers.length - 8).fill(409)]);
  await commit();
  expect(answers.at(-1), 'then the leader continues').toBe(201);
});

test('holding a group back takes two writes for each job and two for submissions, 32 at a time', async () => {
  const { world } = archive;
  const counts = { lockJob: 0, unlockJob: 0, lockSubmissions: 0, unlockSubmissions: 0 };
  let inFlight = 0;
  let mostInFlight = 0;
  const table = stateLocksTable(world.other, world.table);
  const counted =
    <Asked extends unknown[]>(what: keyof typeof counts, write: (...asked: Asked) => Promise<void>) =>
    async (...asked: Asked) => {
      counts[what] += 1;
      inFlight += 1;
      mostInFlight = Math.max(mostInFlight, inFlight);
      await write(...asked).finally(() => {
        inFlight -= 1;
      });
    };
  const locks: StateLocks = {
    lockJob: counted('lockJob', table.lockJob.bind(table)),
    unlockJob: counted('unlockJob', table.unlockJob.bind(table)),
    lockSubmissions: counted('lockSubmissions', table.lockSubmissions.bind(table)),
    unlockSubmissions: counted('unlockSubmissions', table.unlockSubmissions.bind(table)),
  };
  const { cut } = await busy(70, { cut: { locks } });
  expect(await cut()).toMatchObject({ kind: 'cut' });
  expect(counts).toEqual({ lockJob: 70, unlockJob: 70, lockSubmissions: 1, unlockSubmissions: 1 });
  expect(mostInFlight).toBe(32);
});

test('pausedMs says how long writers to jobs were held back, from the first lock until the last is gone', async () => {
  const { world } = archive;
  const table = stateLocksTable(world.other, world.table);
  const taking = (ms: number, write: () => Promise<void>) => {
    world.clock.ahead += ms;
    return write();
  };
  const locks: StateLocks = {
    lockSubmissions: (...asked) => taking(2_000, () => table.lockSubmissions(...asked)),
    lockJob: (...asked) => taking(200, () => table.lockJob(...asked)),
    unlockSubmissions: (...asked) => taking(1_000, () => table.unlockSubmissions(...asked)),
    unlockJob: (...asked) => taking(100, () => table.unlockJob(...asked)),
  };
  const { cut } = await busy(5, { cut: { locks } });
  const { ahead } = world.clock;
  const from = world.clock.now();
  const placed = await cut();
  const took = world.clock.now() - from;
  if (placed.kind !== 'cut') throw new Error(placed.again);
  const advanced = world.clock.ahead - ahead;
  expect(advanced).toBe(2_000 + 5 * 200 + 1_000 + 5 * 100);
  expect(placed.pausedMs).toBeGreaterThanOrEqual(advanced);
  expect(placed.pausedMs).toBeLessThanOrEqual(took);
});

test('a quiet group is not held back', async () => {
  const { cut, locked, passes } = await busy(3, {}, 0);
  expect(await cut()).toMatchObject({ kind: 'cut' });
  expect([passes(), locked.length]).toEqual([3, 0]);
});

test('the free passes, and the bound of a lock, are those that are set', async () => {
  const { cut, locked, passes } = await busy(5, { cut: { freePasses: 5, lockMs: 20_000 } });
  expect(await cut()).toMatchObject({ kind: 'cut' });
  expect(passes()).toBe(1 + 5 + 2);
  expect(locked.map(({ forMs }) => forMs)).toEqual(Array(5).fill(20_125));
});

test('a group that cannot be held back is given up after the passes that are set, and its jobs are named', async () => {
  const { world } = archive;
  const deaf = overriding(stateLocksTable(world.other, world.table), { lockJob: async () => undefined });
  const { cut, passes } = await busy(5, { cut: { locks: deaf, freePasses: 2, mostPasses: 4 } });
  const again = 'its jobs did not hold still; the last to change: job-';
  expect(await cut()).toEqual({ kind: 'again', again: expect.stringContaining(again) });
  expect(passes()).toBe(1 + 2 + 4);
});

test('the locks of a cut that died go with the hold of its backup', async () => {
  const { world } = archive;
  const table = stateLocksTable(world.other, world.table);
  const dying = overriding(table, {
    async unlockJob() {
      throw new Error('died');
    },
  });
  const { cut, release, commit, answers } = await busy(3, { cut: { locks: dying } });
  await expect(cut()).rejects.toThrow('died');
  await commit();
  expect(answers.at(-1)).toBe(409);
  await release();
  await commit();
  expect(answers.at(-1)).toBe(201);
});
