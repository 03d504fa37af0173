import { expect, test } from 'vitest';
import { cutLogs } from '../../../log/protocol/cut.ts';
import { sizes } from '../../sizes.ts';
import { nothingElse } from '../../support/backups/memory-logs.ts';
import { play, playMany, type Variant } from './scenario.ts';

const { simulatedRuns, variantRuns } = sizes.backups;
/** A seed plays 30 s of a group. */
const timeoutMs = 180_000 + simulatedRuns * 3_000;

test('a cut holds whatever was acknowledged before anything in it was begun, whichever request the process of a cut dies at', {
  timeout: timeoutMs,
}, async () => {
  const sum = await playMany(1, simulatedRuns);
  expect(sum).not.toHaveProperty('violation');
  expect(sum.cuts).toBeGreaterThan(simulatedRuns);
  expect(sum.crashes).toBeGreaterThan(simulatedRuns);
  expect(sum.heldBack).toBeGreaterThan(simulatedRuns);
});

test('the same seed gives the same run', async () => {
  expect(await play(7)).toEqual(await play(7));
});

/** The jobs as one pass reads them. */
async function onePass(parts: Parameters<Variant>[0], group: string) {
  const jobs = new Map<string, number>();
  let after: string | undefined;
  do {
    const page = await parts.jobs.list(group, after, 100);
    for (const job of page.items) if ('nextCheckpointId' in job) jobs.set(job.jobId, job.nextCheckpointId);
    after = page.last;
  } while (after !== undefined);
  return jobs;
}

const variants: Record<string, Variant> = {
  'reads the jobs after it has let the logs go': async (parts, { group, backupId }) => {
    const placed = await cutLogs(parts.logs, group, { backupId, lockId: parts.newId() }, nothingElse);
    return placed.kind === 'cut' ? { cut: placed.cut, jobs: await onePass(parts, group) } : undefined;
  },
  'reads the jobs before it locks the logs': async (parts, { group, backupId }) => {
    const jobs = await onePass(parts, group);
    const placed = await cutLogs(parts.logs, group, { backupId, lockId: parts.newId() }, nothingElse);
    return placed.kind === 'cut' ? { cut: placed.cut, jobs } : undefined;
  },
  'counts on one pass while the logs are locked': async (parts, { group, backupId }) => {
    const placed = await cutLogs(parts.logs, group, { backupId, lockId: parts.newId() }, async () => ({
      kind: 'read',
      rest: await onePass(parts, group),
    }));
    return placed.kind === 'cut' ? { cut: placed.cut, jobs: placed.rest } : undefined;
  },
  'reads the jobs twice, the second time before it locks the logs': async (parts, { group, backupId }) => {
    const before = await onePass(parts, group);
    const jobs = await onePass(parts, group);
    if (JSON.stringify([...before]) !== JSON.stringify([...jobs])) return undefined;
    const placed = await cutLogs(parts.logs, group, { backupId, lockId: parts.newId() }, nothingElse);
    return placed.kind === 'cut' ? { cut: placed.cut, jobs } : undefined;
  },
  'counts on locks of the jobs that run out meanwhile, and reads them once': async (parts, { group, backupId }) => {
    const lockId = parts.newId();
    const lock = () => ({ lockId, at: parts.clock.now(), forMs: 50 });
    await parts.locks.lockSubmissions(group, lock());
    for (const jobId of (await onePass(parts, group)).keys()) await parts.locks.lockJob({ group, jobId }, lock());
    const placed = await cutLogs(parts.logs, group, { backupId, lockId }, async () => ({
      kind: 'read',
      rest: await onePass(parts, group),
    }));
    return placed.kind === 'cut' ? { cut: placed.cut, jobs: placed.rest } : undefined;
  },
};

test.each(Object.entries(variants))('the simulation finds a cut that %s', async (_what, variant) => {
  expect(await playMany(1, variantRuns, variant)).toHaveProperty('violation');
});
