/** A backup of a busy group holds writes to its jobs back for a moment. */
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import type { StateLocks } from '../../../functions/jobs/state-locks.ts';
import { stateLocksTable } from '../../../functions/jobs/state-locks-table.ts';
import { checkpoint, type JobWorld, openJobWorld, submit } from '../../support/job-world.ts';

let world: JobWorld;
let locks: StateLocks;
beforeAll(async () => {
  world = await openJobWorld(inject('dynamodb'));
  locks = stateLocksTable(world.other, world.table);
});
afterAll(() => world.close());

async function withJob() {
  const group = `locked-${randomUUID()}`;
  const process = world.process();
  const fence = await world.lead(group);
  const path = `/groups/${group}/jobs/j`;
  expect((await submit(process, fence, path, {})).status).toBe(201);
  return {
    name: { group, jobId: 'j' },
    group,
    sent: process.dynamodb.sent,
    commit: () => checkpoint(process, fence, path, `state ${randomUUID()}`),
    submitAnother: () => submit(process, fence, `/groups/${group}/jobs/another`, {}),
    job: async () => process.room.jobs.read({ group, jobId: 'j' }),
  };
}

const held = { status: 409, body: { code: 'state_locked', retryable: true, retryAfterMs: expect.any(Number) } };

test('a commit is held back, retryably, and goes through once the lock has gone', async () => {
  const { name, commit, job } = await withJob();
  await locks.lockJob(name, { lockId: 'cut-1', at: Date.now(), forMs: 5_000 });
  const before = await job();
  expect(await commit()).toMatchObject(held);
  expect(await job()).toEqual(before);
  await locks.unlockJob(name, 'cut-2');
  expect(await commit()).toMatchObject(held);
  await locks.unlockJob(name, 'cut-1');
  expect(await commit()).toMatchObject({ status: 201 });
});

test('so is the submission of a new job, by the lock of the group', async () => {
  const { group, submitAnother, commit } = await withJob();
  await locks.lockSubmissions(group, { lockId: 'cut-1', at: Date.now(), forMs: 5_000 });
  expect(await submitAnother()).toMatchObject(held);
  expect(await commit()).toMatchObject({ status: 201 });
  await locks.unlockSubmissions(group, 'cut-1');
  expect(await submitAnother()).toMatchObject({ status: 201 });
});

test('a lock that its cut has forgotten is removed by the first writer that meets it', async () => {
  const { name, group, commit, submitAnother } = await withJob();
  const lock = { lockId: 'dead', at: Date.now() - 5_001, forMs: 5_000 };
  await locks.lockJob(name, lock);
  await locks.lockSubmissions(group, lock);
  expect(await commit()).toMatchObject({ status: 201 });
  expect(await submitAnother()).toMatchObject({ status: 201 });
});

test('a lock of a group with many jobs stands for as long as it says', async () => {
  const { name, commit } = await withJob();
  await locks.lockJob(name, { lockId: 'cut-1', at: Date.now() - 30_000, forMs: 60_000 });
  expect(await commit()).toMatchObject(held);
  await locks.lockJob(name, { lockId: 'cut-1', at: Date.now() - 30_000, forMs: 29_000 });
  expect(await commit()).toMatchObject({ status: 201 });
});

test('the lock makes no job of one that is not there', async () => {
  const { group } = await withJob();
  await locks.lockJob({ group, jobId: 'missing' }, { lockId: 'cut', at: Date.now(), forMs: 5_000 });
  expect(await world.process().room.jobs.read({ group, jobId: 'missing' })).toBeUndefined();
});

test('outside a backup a commit is one write of at most 2 units, as it was before there were locks', async () => {
  const { commit, sent } = await withJob();
  const before = sent.length;
  expect(await commit()).toMatchObject({ status: 201 });
  // The upload before it reads the job.
  const writes = sent.slice(before).filter(({ command }) => command !== 'GetItemCommand');
  expect(writes.map(({ command }) => command)).toEqual(['UpdateItemCommand']);
  expect(writes[0]?.capacity).toBeLessThanOrEqual(2);
});
