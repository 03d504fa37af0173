import { v7 } from 'uuid';
import { describe, expect, test } from 'vitest';
import type { Fence } from '../../../api/fence.ts';
import { eachInItsGroup } from '../../support/job-scene.ts';
import { checkpoint, type JobWorld, type Process, sha256, submit } from '../../support/job-world.ts';

let world: JobWorld;
let api: Process;
let leader: Fence;
let name: string;
let group: string;
let job: string;

eachInItsGroup('answers', (scene) => {
  ({ world, api, leader, name, group, job } = scene);
});

const successor = () => world.lead(name);
const url = expect.stringMatching(/^http:\/\/127\.0\.0\.1:\d+\/.*X-Amz-Expires=3600/);
const instant = expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
const hex = expect.stringMatching(/^[0-9a-f]{64}$/);

describe('every answer has its members and no others', () => {
  test('uploads and their parts', async () => {
    const put = await api.call('POST', `${job}/uploads`, { purpose: 'graph', bytes: 1, sha256: sha256('x') }, leader);
    expect(put).toEqual({
      status: 200,
      body: {
        uploadId: expect.any(String),
        method: 'put',
        url,
        headers: { 'x-amz-checksum-sha256': expect.any(String), 'if-none-match': '*' },
        expiresAt: instant,
      },
    });
    const inAnHour = world.clock.now() + 3_600_000;
    expect(Math.abs(Date.parse(put.body.expiresAt) - inAnHour)).toBeLessThan(60_000);
    const multipart = await api.call('POST', `${job}/uploads`, { purpose: 'savepoint' }, leader);
    expect(multipart).toEqual({
      status: 200,
      body: { uploadId: expect.any(String), method: 'multipart', partBytes: 8 * 1024 ** 2 },
    });
    const parts = Array.from({ length: 100 }, (_, at) => ({ partNumber: at + 1, bytes: 1, sha256: sha256('x') }));
    const signed = await api.call('POST', `${job}/uploads/${multipart.body.uploadId}/parts`, { parts }, leader);
    const headers = { 'x-amz-checksum-sha256': expect.any(String) };
    expect(signed).toEqual({
      status: 200,
      body: { urls: parts.map(({ partNumber }) => ({ partNumber, url, headers })), expiresAt: instant },
    });
  });

  test('a job, its checkpoints and what is recovered of it', async () => {
    expect((await submit(api, leader, job, { retain: 2 })).status).toBe(201);
    await checkpoint(api, leader, job, 'one', { metadata: { at: 1 } });
    await checkpoint(api, leader, job, 'kept', { kind: 'savepoint' });
    expect((await checkpoint(api, leader, job, 'two')).body).toEqual({ checkpointId: 3, retained: [1, 3] });

    const ref = (checkpointId: number, bytes: number) => ({ checkpointId, bytes, sha256: hex, committedAt: instant });
    const one = { ...ref(1, 3), metadata: { at: 1 } };
    const graph = { bytes: expect.any(Number), sha256: hex, committedAt: instant };
    const shown = {
      jobId: 'nightly',
      state: 'ACTIVE',
      fencingVersion: leader.fencingVersion,
      retain: 2,
      checkpoints: [one, ref(3, 3)],
      savepoints: [ref(2, 4)],
      nextCheckpointId: 4,
      submittedAt: instant,
    };
    expect((await api.call('GET', job)).body).toEqual({ ...shown, graph: { ...graph, url } });
    expect((await api.call('GET', `${group}/jobs`)).body).toEqual({ items: [{ ...shown, graph }] });
    expect((await api.call('GET', `${job}/checkpoints`)).body).toEqual({
      items: [
        { kind: 'checkpoint', ...one, url },
        { kind: 'savepoint', ...ref(2, 4), url },
        { kind: 'checkpoint', ...ref(3, 3), url },
      ],
    });
    expect((await api.call('GET', `${job}/checkpoints/latest`)).body).toEqual({
      kind: 'checkpoint',
      ...ref(3, 3),
      url,
    });
    expect((await api.call('GET', `${job}/checkpoints/2`)).body).toEqual({ kind: 'savepoint', ...ref(2, 4), url });
    expect((await api.call('POST', `${group}/recovery`, {}, leader)).body).toEqual({
      jobs: [
        {
          jobId: 'nightly',
          retain: 2,
          graph: { url, bytes: graph.bytes, sha256: hex },
          checkpoint: { checkpointId: 3, url, bytes: 3, sha256: hex, metadata: null },
          nextCheckpointId: 4,
        },
      ],
      damaged: [],
    });
    expect(await api.call('DELETE', `${job}/savepoints/2`, {}, leader)).toEqual({
      status: 200,
      body: { discarded: 1 },
    });
    expect(await api.call('DELETE', `${job}/checkpoints`, {}, leader)).toEqual({ status: 200, body: { discarded: 2 } });
    const result = { result: 'cancelled', detail: 'not needed' };
    expect(await api.call('POST', `${job}/finish`, result, leader)).toEqual({
      status: 200,
      body: { state: 'FINISHED', submitted: true },
    });
    const finished = { state: 'FINISHED', graph: null, checkpoints: [], savepoints: [], ...result };
    expect((await api.call('GET', job)).body).toEqual({ ...shown, ...finished, finishedAt: instant });
  });
});

test('jobs come in order of their ids, in pages of the limit', async () => {
  for (const id of ['b', 'a', 'c', 'B', 'a.2']) await submit(api, leader, `${group}/jobs/${id}`);
  const found: string[] = [];
  let query = '?limit=2';
  for (let pages = 0; query !== ''; pages += 1) {
    expect(pages).toBeLessThan(4);
    const { body } = await api.call('GET', `${group}/jobs${query}`);
    expect(body.items.length).toBeLessThanOrEqual(2);
    found.push(...body.items.map(({ jobId }: { jobId: string }) => jobId));
    query = body.nextCursor ? `?limit=2&cursor=${body.nextCursor}` : '';
  }
  expect(found).toEqual(['B', 'a', 'a.2', 'b', 'c']);
});

/** Every write to an existing job; `uploadId` is an uploaded payload. */
const writes = (uploadId: string): [method: string, path: string, body: object][] => [
  ['PUT', '', { graph: { inline: 'bmV3' } }],
  ['POST', '/checkpoints', { uploadId }],
  ['POST', '/checkpoints', { uploadId, kind: 'savepoint' }],
  ['DELETE', '/checkpoints', {}],
  ['DELETE', '/savepoints/2', {}],
  ['POST', '/finish', { result: 'failed' }],
];

/** A job with a checkpoint and a savepoint, and an upload that was not committed. */
async function prepared(): Promise<string> {
  await submit(api, leader, job);
  await checkpoint(api, leader, job, 'one');
  await checkpoint(api, leader, job, 'kept', { kind: 'savepoint' });
  const uploadId = v7({ msecs: world.clock.now() });
  const key = `${group.slice(1)}/jobs/nightly/${uploadId}`;
  await api.room.payloads.put(key, Buffer.from('late'), sha256('late'));
  return uploadId;
}

test('a fence below the job’s: 409 fenced with both versions, and nothing changes', async () => {
  const uploadId = await prepared();
  const next = await successor();
  await api.call('POST', `${group}/recovery`, {}, next);
  const before = (await api.call('GET', `${group}/jobs`)).body;
  for (const [method, path, body] of writes(uploadId)) {
    const answer = await api.call(method, `${job}${path}`, body, leader);
    expect(answer, `${method} ${path}`).toMatchObject({
      status: 409,
      body: { code: 'fenced', retryable: false, yours: leader.fencingVersion, current: next.fencingVersion },
    });
    expect(answer.body.detail).toMatch(/^Job "nightly" of group "answers-\d+" has been touched by fencing version \d+/);
  }
  expect((await api.call('GET', `${group}/jobs`)).body).toEqual(before);
  const lost = { status: 409, body: { code: 'leadership_lost', reason: 'superseded' } };
  expect(await submit(api, leader, `${job}-2`)).toMatchObject(lost);
  expect(await api.call('POST', `${group}/recovery`, {}, leader)).toMatchObject(lost);
});

test('a graph by a deposed leader whose job nobody has claimed yet: 409 leadership_lost', async () => {
  await prepared();
  const { graph } = (await api.call('GET', `${group}/jobs`)).body.items[0];
  const next = await successor();
  expect(await submit(api, leader, job)).toMatchObject({
    status: 409,
    body: { code: 'leadership_lost', reason: 'superseded', fencingVersion: next.fencingVersion },
  });
  expect((await api.call('GET', `${group}/jobs`)).body.items[0].graph).toEqual(graph);
});

test('a finished job: 409 job_finished with its result; a savepoint of it can be discarded', async () => {
  const uploadId = await prepared();
  await api.call('POST', `${job}/finish`, { result: 'succeeded' }, leader);
  for (const [method, path, body] of writes(uploadId)) {
    const answer = await api.call(method, `${job}${path}`, body, leader);
    if (path === '/savepoints/2') expect(answer).toEqual({ status: 200, body: { discarded: 1 } });
    else expect(answer).toMatchObject({ status: 409, body: { code: 'job_finished', result: 'succeeded' } });
  }
  expect((await api.call('GET', `${job}/checkpoints`)).body).toEqual({ items: [] });
  expect((await api.call('GET', `${job}/checkpoints/latest`)).status).toBe(404);
});

test('a job that is not there: 404 not_found', async () => {
  const unknown = `${group}/jobs/unknown`;
  const all = writes(v7({ msecs: world.clock.now() })).slice(1);
  for (const [method, path, body] of all.filter(([, path]) => path !== '/finish')) {
    const answer = await api.call(method, `${unknown}${path}`, body, leader);
    expect(answer, `${method} ${path}`).toMatchObject({ status: 404, body: { code: 'not_found' } });
  }
  for (const path of ['', '/checkpoints', '/checkpoints/latest', '/checkpoints/1'])
    expect(await api.call('GET', `${unknown}${path}`)).toMatchObject({ status: 404, body: { code: 'not_found' } });
  await submit(api, leader, job);
  for (const path of ['/checkpoints/latest', '/checkpoints/1'])
    expect(await api.call('GET', `${job}${path}`)).toMatchObject({ status: 404, body: { code: 'not_found' } });
  expect((await api.call('DELETE', `${job}/savepoints/1`, {}, leader)).status).toBe(404);
  expect((await api.call('GET', `${group}-2/jobs`)).body).toEqual({ items: [] });
});

describe('the same Idempotency-Key again', () => {
  const key = (text: string) => ({ 'Idempotency-Key': text.padEnd(64, '-') });
  const inline = (text: string) => ({ graph: { inline: Buffer.from(text).toString('base64') } });
  const graph = async () => {
    const { body } = await api.call('GET', job);
    return (await fetch(body.graph.url)).text();
  };

  test('submits once, also after another graph has replaced the first', async () => {
    await api.call('PUT', job, inline('first'), leader, key('one'));
    expect((await api.call('PUT', job, inline('first'), leader, key('one'))).status).toBe(201);
    expect(await graph()).toBe('first');
    await api.call('PUT', job, inline('second'), leader, key('two'));
    expect((await api.call('PUT', job, inline('first'), leader, key('one'))).status).toBe(201);
    expect(await graph()).toBe('second');
    await api.call('PUT', job, inline('third'), leader);
    expect(await graph()).toBe('third');
  });

  test.each(['the same process', 'another process'])('with another request is refused by %s', async (which) => {
    const other = () => (which === 'the same process' ? api : world.process());
    const reused = (operation: string) => ({
      status: 422,
      body: { code: 'idempotency_key_reused', retryable: false, operation, detail: expect.stringContaining(operation) },
    });
    const put = `PUT /v1${job}`;
    await api.call('PUT', job, inline('A'), leader, key('one'));
    expect(await other().call('PUT', job, inline('B'), leader, key('one'))).toMatchObject(reused(put));
    await api.call('PUT', job, inline('C'), leader, key('two'));
    for (const text of ['one', 'two'])
      expect(await other().call('PUT', job, inline('B'), leader, key(text))).toMatchObject(reused(put));
    expect(await graph()).toBe('C');
    const finish = (process: Process, result: string) =>
      process.call('POST', `${job}/finish`, { result }, leader, key('end'));
    expect((await finish(api, 'failed')).status).toBe(200);
    expect(await finish(other(), 'succeeded')).toMatchObject(reused(`POST /v1${job}/finish`));
    expect((await api.call('GET', job)).body.result).toBe('failed');
  });

  test('discards once: what was committed since stays', async () => {
    await submit(api, leader, job, { retain: 2 });
    await checkpoint(api, leader, job, 'one');
    const discard = (text: string) => api.call('DELETE', `${job}/checkpoints`, {}, leader, key(text));
    expect((await discard('one')).body).toEqual({ discarded: 1 });
    await checkpoint(api, leader, job, 'two');
    expect(await discard('one')).toEqual({ status: 200, body: { discarded: 0 } });
    expect((await api.call('GET', `${job}/checkpoints/latest`)).body.checkpointId).toBe(2);
    expect((await discard('two')).body).toEqual({ discarded: 1 });
    const next = await successor();
    await api.call('POST', `${group}/recovery`, {}, next);
    expect((await discard('two')).body.code).toBe('fenced');
  });

  test('finishes once, and commits by the upload alone', async () => {
    await submit(api, leader, job);
    const { uploadId, body } = await checkpoint(api, leader, job, 'one');
    for (const text of ['one', 'one', 'two'])
      expect((await api.call('POST', `${job}/checkpoints`, { uploadId }, leader, key(text))).body).toEqual(body);
    const finish = (result: string, text = 'finish') =>
      api.call('POST', `${job}/finish`, { result }, leader, key(text));
    expect(await finish('failed')).toEqual(await finish('failed'));
    expect((await finish('succeeded', 'other')).body).toMatchObject({ code: 'job_finished', result: 'failed' });
  });
});
