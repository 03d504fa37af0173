import { describe, expect, test } from 'vitest';
import type { Fence } from '../../../api/fence.ts';
import { cleanUp } from '../../../functions/jobs/clean-up/clean-up.ts';
import { eachInItsGroup } from '../../support/job-scene.ts';
import { checkpoint, download, type JobWorld, type Process, submit, uploadBytes } from '../../support/job-world.ts';

let world: JobWorld;
let api: Process;
let old: Fence;
let name: string;
let group: string;
let job: string;

eachInItsGroup('races', (scene) => {
  ({ world, api, leader: old, name, group, job } = scene);
});

const recover = (fence: Fence, body = {}) => api.call('POST', `${group}/recovery`, body, fence);
const finish = (fence: Fence, result = 'succeeded') => api.call('POST', `${job}/finish`, { result }, fence);
const kept = async () => (await api.call('GET', `${job}/checkpoints`)).body.items;
const objects = async () => (await api.room.payloads.list(`groups/${name}/`, undefined)).items.map(({ key }) => key);

describe('finish against recovery', () => {
  test('recovered first: the late finish is refused and the job stays', async () => {
    await submit(api, old, job);
    await checkpoint(api, old, job, 'state');
    const successor = await world.lead(name);
    expect((await recover(successor)).body.jobs).toHaveLength(1);

    expect(await finish(old)).toMatchObject({
      status: 409,
      body: { code: 'fenced', yours: old.fencingVersion, current: successor.fencingVersion },
    });
    expect((await api.call('GET', job)).body).toMatchObject({ state: 'ACTIVE' });
    expect((await recover(successor)).body.jobs).toMatchObject([{ checkpoint: { checkpointId: 1 } }]);
  });

  test('finished first: the next leader does not see the job', async () => {
    await submit(api, old, job);
    const successor = await world.lead(name);
    expect(await finish(old)).toMatchObject({ status: 200, body: { state: 'FINISHED' } });
    expect((await recover(successor)).body).toEqual({ jobs: [], damaged: [] });
    expect((await api.call('GET', job)).body).toMatchObject({ state: 'FINISHED', result: 'succeeded' });
  });

  test('at the same time: exactly one of them wins, whichever it is', async () => {
    for (let round = 0; round < 12; round += 1) {
      const one = `${group}/jobs/round-${round}`;
      const leader = await world.lead(name);
      await submit(api, leader, one);
      const successor = await world.lead(name);
      const [finished, recovered] = await Promise.all([
        api.call('POST', `${one}/finish`, { result: 'succeeded' }, leader),
        api.room.checkpoints.claim({ group: name, jobId: `round-${round}` }, successor.fencingVersion),
      ]);
      const { state } = (await api.call('GET', one)).body;
      expect([finished.status, recovered.won !== undefined, state]).toEqual(
        finished.status === 200 ? [200, false, 'FINISHED'] : [409, true, 'ACTIVE'],
      );
    }
  });

  test('the same result again is a success, another one is refused', async () => {
    await submit(api, old, job);
    await finish(old);
    expect(await finish(old)).toMatchObject({ status: 200, body: { state: 'FINISHED' } });
    expect(await finish(old, 'failed')).toMatchObject({
      status: 409,
      body: { code: 'job_finished', result: 'succeeded' },
    });
    await cleanUp(api.room, () => Number.POSITIVE_INFINITY);
    expect(await finish(old)).toMatchObject({ status: 200, body: { state: 'CLEANED' } });
  });
});

describe('add against claim', () => {
  test('committed first: the claim returns it', async () => {
    await submit(api, old, job);
    const successor = await world.lead(name);
    await checkpoint(api, old, job, 'just in time');
    expect((await recover(successor)).body.jobs).toMatchObject([{ checkpoint: { checkpointId: 1 } }]);
  });

  test('claimed first: the late commit changes nothing, its payload is left to the collector', async () => {
    await submit(api, old, job, { retain: 1 });
    await checkpoint(api, old, job, 'state');
    const uploadId = await uploadBytes(api, old, job, 'too late');
    const successor = await world.lead(name);
    await recover(successor);
    expect(await api.call('POST', `${job}/checkpoints`, { uploadId }, old)).toMatchObject({
      status: 409,
      body: { code: 'fenced' },
    });
    expect(await kept()).toMatchObject([{ checkpointId: 1 }]);
    expect(await objects()).toHaveLength(3);
  });

  test("a checkpoint that the new leader recovered survives the old leader's commit, whose subsumption is refused with it", async () => {
    await submit(api, old, job, { retain: 1 });
    await checkpoint(api, old, job, 'state');
    const uploadId = await uploadBytes(api, old, job, 'subsumes the other');
    const successor = await world.lead(name);
    const [{ checkpoint: recovered }] = (await recover(successor)).body.jobs;
    await api.call('POST', `${job}/checkpoints`, { uploadId }, old);
    expect(await download(recovered.url)).toBe('state');
    expect((await checkpoint(api, successor, job, 'next')).body).toEqual({ checkpointId: 2, retained: [2] });
  });

  test('discards of the old leader are refused', async () => {
    await submit(api, old, job);
    await checkpoint(api, old, job, 'state');
    const { body } = await checkpoint(api, old, job, 'savepoint', { kind: 'savepoint' });
    await recover(await world.lead(name));
    expect((await api.call('DELETE', `${job}/checkpoints`, {}, old)).body.code).toBe('fenced');
    expect((await api.call('DELETE', `${job}/savepoints/${body.checkpointId}`, {}, old)).body.code).toBe('fenced');
    expect(await kept()).toMatchObject([{ kind: 'checkpoint' }, { kind: 'savepoint' }]);
  });
});

describe('concurrent commits of one leader', () => {
  test('all land, ids are distinct, retention is exact and every dropped payload is deleted once', async () => {
    await submit(api, old, job, { retain: 3 });
    const commits = 10;
    const uploads = await Promise.all(
      Array.from({ length: commits }, (_, at) => uploadBytes(api, old, job, `state ${at}`)),
    );
    const answers = await Promise.all(
      uploads.map((uploadId) => world.process().call('POST', `${job}/checkpoints`, { uploadId }, old)),
    );
    expect(answers.map(({ status }) => status)).toEqual(uploads.map(() => 201));
    const ids = answers.map(({ body }) => body.checkpointId).sort((one, other) => one - other);
    expect(ids).toEqual(Array.from({ length: commits }, (_, at) => at + 1));
    expect((await kept()).map((one: { checkpointId: number }) => one.checkpointId)).toEqual([8, 9, 10]);
    for (const { url } of await kept()) expect(await download(url)).toMatch(/^state \d$/);
    const deletes = world.requests.filter(({ operation, key }) => operation === 'DeleteObject' && key.includes(name));
    expect(new Set(deletes.map(({ key }) => key)).size).toBe(deletes.length);
    expect(deletes).toHaveLength(commits - 3);
    expect(await objects()).toHaveLength(1 + 3);
  });

  test('of two that expect the same id one is told which one is next', async () => {
    await submit(api, old, job);
    const answers = await Promise.all(
      ['a', 'b'].map((state) => checkpoint(api, old, job, state, { expectedCheckpointId: 1 })),
    );
    expect(answers.map(({ status }) => status).sort()).toEqual([201, 409]);
    expect(answers.find(({ status }) => status === 409)?.body).toMatchObject({
      code: 'unexpected_checkpoint',
      expected: 1,
      next: 2,
    });
  });
});

describe('submission', () => {
  test('a new job by a deposed leader is refused in the transaction', async () => {
    const successor = await world.lead(name);
    expect(await submit(api, old, job)).toMatchObject({
      status: 409,
      body: { code: 'leadership_lost', reason: 'superseded', fencingVersion: successor.fencingVersion },
    });
    expect((await api.call('GET', job)).status).toBe(404);
  });

  test('and one by a leader whose lease has run out, or with a session that is not that of the term', async () => {
    expect((await submit(api, { ...old, sessionId: crypto.randomUUID() }, job)).body.code).toBe('leadership_lost');
    world.advance(120_000);
    expect((await submit(api, old, job)).body).toMatchObject({ code: 'leadership_lost', reason: 'expired' });
    expect((await api.call('GET', job)).status).toBe(404);
  });

  test('one id twice at the same time: one job, with one of the graphs', async () => {
    const graphs = await Promise.all(['a', 'b'].map((graph) => uploadBytes(api, old, job, graph, 'graph')));
    const answers = await Promise.all(
      graphs.map((uploadId) => world.process().call('PUT', job, { graph: { uploadId } }, old)),
    );
    // Whichever came last replaced the other, unless it was the older upload.
    expect(answers.map(({ status }) => status)).toContain(201);
    const { jobs } = (await recover(old)).body;
    expect(jobs).toHaveLength(1);
    expect(await download(jobs[0].graph.url)).toMatch(/^[ab]$/);
  });

  test('a replaced graph leaves the checkpoints, and a late retry of the first does not bring it back', async () => {
    const [first, second] = [
      await uploadBytes(api, old, job, 'first', 'graph'),
      await uploadBytes(api, old, job, 'second', 'graph'),
    ];
    await api.call('PUT', job, { graph: { uploadId: first }, retain: 3 }, old, { 'Idempotency-Key': 'one' });
    for (const state of ['a', 'b', 'c']) await checkpoint(api, old, job, state);
    const replaced = { graph: { uploadId: second }, retain: 2, metadata: { since: 'noon' } };
    expect((await api.call('PUT', job, replaced, old)).status).toBe(201);
    const retry = await api.call('PUT', job, { graph: { uploadId: first }, retain: 3 }, old, {
      'Idempotency-Key': 'one',
    });
    expect(retry.status).toBe(201);
    expect((await api.call('PUT', job, { graph: { uploadId: first } }, old)).body.code).toBe('upload_used');
    const [recovered] = (await recover(old)).body.jobs;
    expect(recovered).toMatchObject({ checkpoint: { checkpointId: 3 }, retain: 2, metadata: { since: 'noon' } });
    expect(await download(recovered.graph.url)).toBe('second');
    expect((await kept()).map((one: { checkpointId: number }) => one.checkpointId)).toEqual([2, 3]);
    expect((await checkpoint(api, old, job, 'd')).body).toEqual({ checkpointId: 4, retained: [3, 4] });
  });
});

test('leadership lost between claim pages: the next page is refused, what was claimed stays with the successor', async () => {
  for (let at = 0; at < 130; at += 1) await submit(api, old, `${group}/jobs/job-${String(at).padStart(3, '0')}`);
  const first = await recover(old);
  expect(first.body.jobs).toHaveLength(100);
  const successor = await world.lead(name);
  const rest = await recover(old, { cursor: first.body.nextCursor });
  expect(rest).toMatchObject({ status: 409, body: { code: 'leadership_lost', reason: 'superseded' } });
  const all = await recover(successor);
  const more = await recover(successor, { cursor: all.body.nextCursor });
  expect(all.body.jobs.length + more.body.jobs.length).toBe(130);
  expect(more.body.nextCursor).toBeUndefined();
});
