import { UpdateCommand } from '@aws-sdk/lib-dynamodb';
import { describe, expect, test } from 'vitest';
import type { Fence } from '../../../api/fence.ts';
import { cleanUp } from '../../../functions/jobs/clean-up/clean-up.ts';
import { eachInItsGroup } from '../../support/job-scene.ts';
import { checkpoint, download, type JobWorld, type Process, sha256, submit } from '../../support/job-world.ts';

let world: JobWorld;
let api: Process;
let leader: Fence;
let name: string;
let group: string;
let job: string;

eachInItsGroup('held', (scene) => {
  ({ world, api, leader, name, group, job } = scene);
});

const finish = (more: object = {}, fence = leader, path = job) =>
  api.call('POST', `${path}/finish`, { result: 'succeeded', ...more }, fence);
const clean = (fence = leader, path = job) => api.call('POST', `${path}/clean`, {}, fence);
const objects = async () => (await api.room.payloads.list(`groups/${name}/`, undefined)).items;
const states = async (query = '') =>
  (await api.call('GET', `${group}/jobs${query}`)).body.items.map(
    ({ jobId, state }: { jobId: string; state: string }) => `${jobId} ${state}`,
  );

describe('a clean-up that the application acknowledges', () => {
  test('keeps the references until then, through clean-ups and changes of leadership', async () => {
    await submit(api, leader, job, { retain: 2 });
    for (const text of ['one', 'two']) await checkpoint(api, leader, job, text);
    expect((await finish({ cleanUp: 'held' })).body).toEqual({ state: 'FINISHED', submitted: true });
    expect(await cleanUp(api.room, () => Number.POSITIVE_INFINITY)).toEqual({ cleaned: 0, left: 0 });
    const { body } = await api.call('GET', job);
    expect(body).toMatchObject({ state: 'FINISHED', cleanUp: 'held', result: 'succeeded' });
    expect(body.checkpoints.map((one: { checkpointId: number }) => one.checkpointId)).toEqual([1, 2]);
    const { items } = (await api.call('GET', `${job}/checkpoints`)).body;
    expect(await Promise.all(items.map(({ url }: { url: string }) => download(url)))).toEqual(['one', 'two']);
    expect(await download(body.graph.url)).toBe(`graph of ${job}`);

    const successor = await world.lead(name);
    expect((await api.call('POST', `${group}/recovery`, {}, successor)).body.jobs).toEqual([]);
    expect((await clean(successor)).body).toEqual({ state: 'CLEANED' });
    expect(await objects()).toEqual([]);
    expect((await clean(leader)).body.code).toBe('fenced');
    expect((await clean(successor)).body).toEqual({ state: 'CLEANED' });
    const cleaned = (await api.call('GET', job)).body;
    expect(cleaned).toMatchObject({ state: 'CLEANED', result: 'succeeded', checkpoints: [], graph: null });
    expect(cleaned).not.toHaveProperty('cleanUp');
  });

  test('is left to the schedule where S3 fails', async () => {
    await submit(api, leader, job);
    await finish({ cleanUp: 'held' });
    api.s3.once('crash before', 'DeleteObjectCommand');
    expect((await clean()).body).toEqual({ state: 'FINISHED' });
    const other = world.process();
    expect(await cleanUp(other.room, () => Number.POSITIVE_INFINITY)).toEqual({ cleaned: 1, left: 0 });
    expect((await other.room.payloads.list(`groups/${name}/`, undefined)).items).toEqual([]);
  });

  test('is refused before the job has finished, and for a job that does not exist', async () => {
    expect((await clean()).status).toBe(404);
    await submit(api, leader, job);
    expect(await clean()).toMatchObject({ status: 409, body: { code: 'job_active' } });
    await finish();
    expect((await clean()).body).toEqual({ state: 'CLEANED' });
  });
});

describe('a job that was never submitted', () => {
  test('can be finished: its result is remembered, and it never runs', async () => {
    expect((await finish({ detail: 'cancelled early' })).body).toEqual({ state: 'FINISHED', submitted: false });
    expect((await finish()).body).toEqual({ state: 'FINISHED', submitted: false });
    expect(await finish({ result: 'failed' })).toMatchObject({ status: 409, body: { code: 'job_finished' } });
    expect(await submit(api, leader, job)).toMatchObject({ status: 409, body: { code: 'job_finished' } });
    expect((await api.call('GET', job)).body).toMatchObject({
      state: 'FINISHED',
      result: 'succeeded',
      detail: 'cancelled early',
      graph: null,
    });
    await cleanUp(api.room, () => Number.POSITIVE_INFINITY);
    expect(await states()).toEqual(['nightly CLEANED']);
  });

  test('is finished by the running leader only', async () => {
    await world.lead(name);
    expect(await finish()).toMatchObject({ status: 409, body: { code: 'leadership_lost', reason: 'superseded' } });
    expect((await api.call('GET', job)).status).toBe(404);
  });

  test('may be submitted by another at that moment: one of the two happened first', async () => {
    for (let round = 0; round < 10; round += 1) {
      const path = `${group}/jobs/race-${round}`;
      const [finished, submitted] = await Promise.all([
        finish({}, leader, path),
        submit(world.process(), leader, path),
      ]);
      const { state } = (await api.call('GET', path)).body;
      expect([finished.status, state]).toEqual([200, 'FINISHED']);
      expect(submitted.status).toBe(finished.body.submitted ? 201 : 409);
    }
  });
});

describe('the list of jobs', () => {
  test('can be of one state', async () => {
    for (const id of ['a', 'b', 'c', 'd']) await submit(api, leader, `${group}/jobs/${id}`);
    await finish({}, leader, `${group}/jobs/b`);
    await finish({ cleanUp: 'held' }, leader, `${group}/jobs/c`);
    await clean(leader, `${group}/jobs/b`);
    expect(await states('?state=ACTIVE')).toEqual(['a ACTIVE', 'd ACTIVE']);
    expect(await states('?state=FINISHED')).toEqual(['c FINISHED']);
    expect(await states('?state=CLEANED')).toEqual(['b CLEANED']);
    expect(await states('?state=DAMAGED')).toEqual([]);
    expect((await api.call('GET', `${group}/jobs?state=GONE`)).status).toBe(400);
  });

  test.each([
    ['a state that is none', { '#a': 'state' }, 'RUNNING'],
    ['a fence beyond all versions', { '#a': 'fence' }, 9e15],
    ['a retention beyond the limit', { '#a': 'retain' }, 1e9],
    ['no commits', { '#a': 'commits' }, 'none'],
  ])('shows a job with %s as damaged, next to the others', async (_, names, value) => {
    for (const id of ['a', 'b', 'c']) await submit(api, leader, `${group}/jobs/${id}`);
    await damage('b', names, value);
    const { status, body } = await api.call('GET', `${group}/jobs`);
    expect({ status, states: await states() }).toEqual({ status: 200, states: ['a ACTIVE', 'b DAMAGED', 'c ACTIVE'] });
    const attribute = Object.values(names)[0];
    expect(body.items[1]).toEqual({ jobId: 'b', state: 'DAMAGED', reason: expect.stringContaining(`${attribute}`) });
    expect(await states('?state=DAMAGED')).toEqual(['b DAMAGED']);
    const recovered = (await api.call('POST', `${group}/recovery`, {}, leader)).body;
    expect(recovered.jobs.map((one: { jobId: string }) => one.jobId)).toEqual(['a', 'c']);
    expect(recovered.damaged).toEqual([{ jobId: 'b', reason: expect.stringContaining(`${attribute}`) }]);
  });

  test('survives instants that no calendar has', async () => {
    for (const id of ['a', 'b']) await submit(api, leader, `${group}/jobs/${id}`);
    await damage('a', { '#a': 'submittedAt' }, 9e15);
    await checkpoint(api, leader, `${group}/jobs/b`, 'one');
    await damage('b', { '#a': 'checkpoints', '#at': 'at' }, 9e15, '#a[0].#at');
    expect(await states()).toEqual(['a ACTIVE', 'b ACTIVE']);
    expect((await api.call('GET', `${group}/jobs/b`)).body.checkpoints).toEqual([]);
  });
});

/** Sets an attribute of the record behind Tenure's back. */
const damage = (jobId: string, names: Record<string, string>, value: unknown, path = '#a') =>
  world.other.send(
    new UpdateCommand({
      TableName: world.table,
      Key: { pk: `GROUP#${name}`, sk: `JOB#${jobId}` },
      UpdateExpression: `SET ${path} = :value`,
      ExpressionAttributeNames: names,
      ExpressionAttributeValues: { ':value': value },
    }),
  );

test('an upload is begun, and its parts are signed, for the running term only', async () => {
  await submit(api, leader, job);
  const { body: begun } = await api.call('POST', `${job}/uploads`, { purpose: 'checkpoint' }, leader);
  const part = { parts: [{ partNumber: 1, bytes: 1, sha256: sha256('x') }] };
  const successor = await world.lead(name);
  const refused = (reason: string) => ({ status: 409, body: { code: 'leadership_lost', reason } });
  const stranger = { ...successor, sessionId: leader.sessionId };
  for (const fence of [leader, stranger]) {
    const body = { purpose: 'graph', bytes: 1, sha256: sha256('x') };
    expect(await api.call('POST', `${job}/uploads`, body, fence)).toMatchObject(refused('superseded'));
    const parts = await api.call('POST', `${job}/uploads/${begun.uploadId}/parts`, part, fence);
    expect(parts).toMatchObject(refused('superseded'));
    expect(JSON.stringify(parts.body)).not.toContain('X-Amz');
  }
  expect((await api.call('POST', `${job}/uploads/${begun.uploadId}/parts`, part, successor)).status).toBe(200);
  world.advance(61_000);
  expect(await api.call('POST', `${job}/uploads`, { purpose: 'graph' }, successor)).toMatchObject(refused('expired'));
});
