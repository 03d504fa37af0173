import { expect, test } from 'vitest';
import { collectJobs, type JobPasses } from '../../../functions/backups/attempt/jobs-at-cut.ts';
import type { Job } from '../../../functions/jobs/job.ts';

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

/** A group whose leader commits to one job after the other, some between any two readings; a lock holds it back. */
function busyGroup(jobs: number, commitsBetween: number) {
  const records = Array.from({ length: jobs }, (_, at) => jobNamed(`job-${String(at).padStart(3, '0')}`));
  const locked = new Set<string>();
  let turn = 0;
  const commit = () => {
    const at = turn % records.length;
    const job = records[at] as Job;
    if (locked.has(job.jobId)) return;
    records[at] = { ...job, nextCheckpointId: job.nextCheckpointId + 1 };
    turn += 1;
  };
  const parts = {
    jobs: {
      async list() {
        const items = [...records];
        for (let commits = 0; commits < commitsBetween; commits += 1) commit();
        return { items };
      },
    },
    locks: {
      lockJob: async ({ jobId }: { jobId: string }) => void locked.add(jobId),
      unlockJob: async ({ jobId }: { jobId: string }) => void locked.delete(jobId),
      lockSubmissions: async () => undefined,
      unlockSubmissions: async () => undefined,
    },
    held: {},
    clock: { now: () => 0 },
  } as unknown as JobPasses;
  return { locked, collect: () => collectJobs(parts, { group: 'orders', backupId, lockId: 'lock', until: 1 }) };
}

test('a quiet group agrees with itself at once, and nobody is held back', async () => {
  const { collect } = busyGroup(200, 0);
  expect(await collect()).toMatchObject({ kind: 'agreed', passes: 2, heldBack: 0 });
});

test.each([1, 5, 200])(
  'a leader that goes through %s jobs, one after the other, is held back until they agree',
  async (jobs) => {
    const { collect, locked } = busyGroup(jobs, 3);
    const collected = await collect();
    expect(collected).toMatchObject({ kind: 'agreed', heldBack: jobs });
    expect(locked.size, 'then it continues').toBe(0);
  },
);
