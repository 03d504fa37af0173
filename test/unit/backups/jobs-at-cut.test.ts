import { expect, test } from 'vitest';
import { holdBack } from '../../../functions/backups/attempt/hold-back.ts';
import { collectJobs, type JobPasses, passOver } from '../../../functions/backups/attempt/jobs-at-cut.ts';
import type { Job } from '../../../functions/jobs/job.ts';
import type { StateLock, StateLocks } from '../../../functions/jobs/state-locks.ts';

const backupId = 'backup';

const jobNamed = (jobId: string): Job => ({
  group: 'orders',
  jobId,
  state: 'ACTIVE',
  fence: 1,
  retain: 1,
  checkpoints: [],
  savepoints: [],
  commits: [],
  nextCheckpointId: 1,
  submittedAt: 1,
  requestId: 'request',
  heldBy: backupId,
});

const numbered = (at: number) => `job-${String(at).padStart(3, '0')}`;

/** A group whose leader commits to one job after the other, some between any two readings; a lock holds it back. */
function busyGroup(jobs: number, commitsBetween: number) {
  const records = Array.from({ length: jobs }, (_, at) => jobNamed(numbered(at)));
  const locked = new Map<string, StateLock>();
  let submissions: StateLock | undefined;
  let turn = 0;
  let clock = 1_000;
  const commit = () => {
    const at = turn % records.length;
    const job = records[at] as Job;
    if (locked.has(job.jobId)) return;
    records[at] = { ...job, nextCheckpointId: job.nextCheckpointId + 1 };
    turn += 1;
  };
  const locks: StateLocks = {
    lockJob: async ({ jobId }, lock) => void locked.set(jobId, lock),
    unlockJob: async ({ jobId }, lockId) => {
      if (locked.get(jobId)?.lockId === lockId) locked.delete(jobId);
    },
    lockSubmissions: async (_group, lock) => {
      submissions = lock;
    },
    unlockSubmissions: async () => {
      submissions = undefined;
    },
  };
  const passes = {
    jobs: {
      async list() {
        const items = [...records];
        for (let commits = 0; commits < commitsBetween; commits += 1) commit();
        return { items };
      },
    },
    held: {},
    clock: { now: () => clock },
  } as unknown as JobPasses;
  return {
    locked,
    records,
    submissions: () => submissions,
    wait(ms: number) {
      clock += ms;
    },
    async collect(more: { mostPasses?: number; until?: number; holdBack?: Awaited<ReturnType<typeof holdBack>> } = {}) {
      const before = await passOver(passes, 'orders', backupId);
      return collectJobs(passes, { group: 'orders', backupId, before, mostPasses: 3, until: Infinity, ...more });
    },
    holdBack: (lockMs = 5_000) =>
      holdBack({ locks, clock: { now: () => clock }, lockMs }, { group: 'orders', lockId: 'lock', jobs }),
  };
}

test('a quiet group agrees with itself at once', async () => {
  expect(await busyGroup(200, 0).collect()).toMatchObject({ kind: 'agreed', passes: 2 });
});

test('of a busy group the passes tell which jobs changed last', async () => {
  const { collect } = busyGroup(200, 3);
  expect(await collect()).toEqual({ kind: 'busy', changed: [numbered(3), numbered(4), numbered(5)] });
});

test.each([1, 5, 200])(
  'a leader that goes through %s jobs, one after the other, is held back, and two passes agree',
  async (jobs) => {
    const { collect, locked, submissions, ...group } = busyGroup(jobs, 3);
    const held = await group.holdBack();
    await held.add(group.records.map(({ jobId }) => jobId));
    expect(locked.size).toBe(jobs);
    expect(submissions()).toMatchObject({ lockId: 'lock' });
    expect(await collect({ holdBack: held })).toMatchObject({ kind: 'agreed', passes: 2 });
    await held.end();
    expect(locked.size, 'then it continues').toBe(0);
    expect(submissions()).toBeUndefined();
  },
);

test('a job that appears meanwhile is held back, too', async () => {
  const { collect, locked, records, ...group } = busyGroup(5, 3);
  const held = await group.holdBack();
  await held.add([numbered(0), numbered(1)]);
  expect(await collect({ mostPasses: 4, holdBack: held })).toMatchObject({ kind: 'agreed' });
  expect([...locked.keys()].sort()).toEqual(records.map(({ jobId }) => jobId));
  await held.end();
});

test('no pass begins once the time is up, and there are no more than asked for', async () => {
  const { collect } = busyGroup(5, 1);
  // However late it is, one follows the pass before the logs were locked.
  expect(await collect({ until: 1_000, mostPasses: 100 })).toEqual({ kind: 'busy', changed: [numbered(0)] });
  let passes = 0;
  const add = async () => {
    passes += 1;
  };
  const counted = busyGroup(5, 1);
  await counted.collect({
    mostPasses: 7,
    holdBack: { end: async () => undefined, add },
  });
  expect(passes).toBe(6);
});

test('a lock stands longer in a group with more jobs, by the bound that is set', async () => {
  const standing = async (jobs: number, lockMs: number) => {
    const group = busyGroup(jobs, 0);
    const held = await group.holdBack(lockMs);
    group.wait(70);
    await held.add([numbered(0)]);
    const lock = group.locked.get(numbered(0));
    expect(lock).toMatchObject({ at: 1_070 });
    await held.end();
    return lock?.forMs;
  };
  expect(await standing(1, 5_000)).toBe(5_025);
  expect(await standing(200, 5_000)).toBe(10_000);
  expect(await standing(200, 1_000)).toBe(6_000);
  expect(await standing(10_000, 5_000)).toBe(60_000);
});
