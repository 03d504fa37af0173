import { describe, expect, test } from 'vitest';
import type { Fence } from '../../../api/fence.ts';
import { mapConcurrent } from '../../../archive/map-concurrent.ts';
import { eachInItsGroup } from '../../support/job-scene.ts';
import { checkpoint, download, type JobWorld, type Process, submit } from '../../support/job-world.ts';

let world: JobWorld;
let api: Process;
let leader: Fence;
let name: string;
let group: string;
let job: string;

eachInItsGroup('ids', (scene) => {
  ({ world, api, leader, name, group, job } = scene);
});

const base64 = (text: string) => Buffer.from(text).toString('base64');
const inline = (text: string, more: object = {}, headers?: Record<string, string>, process = api) =>
  process.call('POST', `${job}/checkpoints`, { inline: base64(text), ...more }, leader, headers);
const reserve = async (fence = leader, body: object = {}) =>
  api.call('POST', `${job}/checkpoints/reserve`, body, fence);
const shown = async () => (await api.call('GET', job)).body;
const kept = async () =>
  (await api.call('GET', `${job}/checkpoints`)).body.items.map(
    ({ checkpointId, kind }: { checkpointId: number; kind: string }) => `${kind} ${checkpointId}`,
  );
const objects = async () => (await api.room.payloads.list(`groups/${name}/`, undefined)).items;

describe('ids that the application gives', () => {
  test('rise from 0, with gaps; one that is not above the newest is refused', async () => {
    await submit(api, leader, job, { retain: 3 });
    expect((await inline('zero', { checkpointId: 0 })).body).toEqual({ checkpointId: 0, retained: [0] });
    const again = { status: 409, body: { code: 'stale_checkpoint_id', newest: 0, checkpointId: 0 } };
    expect(await inline('zero again', { checkpointId: 0 })).toMatchObject(again);
    expect((await inline('seven', { checkpointId: 7 })).body).toEqual({ checkpointId: 7, retained: [0, 7] });
    for (const checkpointId of [7, 5, 1, 0])
      expect(await inline('stale', { checkpointId })).toMatchObject({
        body: { code: 'stale_checkpoint_id', newest: 7 },
      });
    expect((await inline('next')).body).toEqual({ checkpointId: 8, retained: [0, 7, 8] });
    expect((await inline('saved', { checkpointId: 20, kind: 'savepoint' })).body.checkpointId).toBe(20);
    expect((await inline('twenty', { checkpointId: 20 })).body.code).toBe('stale_checkpoint_id');
    expect((await inline('later', { checkpointId: 21 })).body).toEqual({ checkpointId: 21, retained: [7, 8, 21] });
    expect(await kept()).toEqual(['checkpoint 7', 'checkpoint 8', 'savepoint 20', 'checkpoint 21']);
    expect((await shown()).nextCheckpointId).toBe(22);
    const { body } = await api.call('GET', `${job}/checkpoints/latest`);
    expect(await download(body.url)).toBe('later');
  });

  test('may have been reserved: rising, each for one caller, committed in their order', async () => {
    await submit(api, leader, job, { retain: 8 });
    const reserved = await mapConcurrent(Array.from({ length: 20 }), 5, () => reserve());
    const ids = reserved.map(({ body }) => body.checkpointId).sort((one, other) => one - other);
    expect(ids).toEqual(Array.from({ length: 20 }, (_, at) => at + 1));
    expect((await inline('three', { checkpointId: 3 })).body).toEqual({ checkpointId: 3, retained: [3] });
    expect((await inline('two', { checkpointId: 2 })).body.code).toBe('stale_checkpoint_id');
    expect((await inline('nine', { checkpointId: 9 })).body).toEqual({ checkpointId: 9, retained: [3, 9] });
    expect((await inline('by the service')).body).toEqual({ checkpointId: 21, retained: [3, 9, 21] });
    expect((await reserve()).body).toEqual({ checkpointId: 22 });
  });

  test('continue from a number that is given, and rise from there when less is asked for', async () => {
    await submit(api, leader, job);
    expect((await reserve(leader, { atLeast: 1 })).body).toEqual({ checkpointId: 1 });
    expect((await reserve(leader, { atLeast: 40 })).body).toEqual({ checkpointId: 40 });
    expect((await reserve(leader, { atLeast: 40 })).body).toEqual({ checkpointId: 41 });
    expect((await reserve()).body).toEqual({ checkpointId: 42 });
    expect((await shown()).nextCheckpointId).toBe(43);
    expect((await inline('forty', { checkpointId: 40 })).body.checkpointId).toBe(40);
    const successor = await world.lead(name);
    await api.call('POST', `${group}/recovery`, {}, successor);
    expect((await reserve(leader, { atLeast: 90 })).body.code).toBe('fenced');
    expect((await reserve(successor, { atLeast: 2 })).body).toEqual({ checkpointId: 43 });
  });

  test('are reserved by the running leader of the job only', async () => {
    expect((await reserve()).status).toBe(404);
    await submit(api, leader, job);
    const successor = await world.lead(name);
    await api.call('POST', `${group}/recovery`, {}, successor);
    expect((await reserve()).body.code).toBe('fenced');
    expect((await reserve(successor)).body).toEqual({ checkpointId: 1 });
    await api.call('POST', `${job}/finish`, { result: 'failed' }, successor);
    expect((await reserve(successor)).body.code).toBe('job_finished');
  });
});

describe('an inline payload', () => {
  test('is committed by one request, of one PUT and one write', async () => {
    await submit(api, leader, job);
    await inline('one');
    const from = { dynamodb: api.dynamodb.sent.length, s3: api.s3.sent.length };
    const next = await inline('two', { metadata: { at: 2 } });
    expect(next).toEqual({ status: 201, body: { checkpointId: 2, retained: [2] } });
    expect(api.s3.sent.slice(from.s3).map(({ command }) => command)).toEqual([
      'PutObjectCommand',
      'DeleteObjectCommand',
    ]);
    expect(api.dynamodb.sent.slice(from.dynamodb).map(({ command }) => command)).toEqual(['UpdateItemCommand']);
    expect(await download((await api.call('GET', `${job}/checkpoints/2`)).body.url)).toBe('two');
    const { jobs } = (await api.call('POST', `${group}/recovery`, {}, leader)).body;
    expect(await download(jobs[0].checkpoint.url)).toBe('two');
  });

  test('is committed once, however often and wherever the request is repeated', async () => {
    await submit(api, leader, job, { retain: 5 });
    const key = { 'Idempotency-Key': 'same' };
    const first = await inline('one', {}, key);
    expect(first.body.checkpointId).toBe(1);
    for (const hours of [0, 3, 3]) {
      world.advance(hours * 3_600_000);
      for (const process of [api, world.process()]) expect(await inline('one', {}, key, process)).toEqual(first);
    }
    expect(await kept()).toEqual(['checkpoint 1']);
    expect((await inline('one')).body.checkpointId).toBe(2);
  });

  test('has at most 64 KiB, and excludes an upload', async () => {
    await submit(api, leader, job);
    const path = (answer: { body: { issues: { path: string }[] } }) => answer.body.issues.map((issue) => issue.path);
    expect(path(await inline('x'.repeat(64 * 1024 + 1)))).toContain('inline');
    const { uploadId } = await checkpoint(api, leader, job, 'one');
    expect(path(await inline('x', { uploadId }))).toContain('uploadId');
    expect(path(await inline('x', { checkpointId: 5, expectedCheckpointId: 2 }))).toContain('checkpointId');
    expect((await inline('x'.repeat(64 * 1024))).status).toBe(201);
  });
});

describe('a job that keeps up to 256 checkpoints', () => {
  test('keeps the newest, drops the oldest and its payload, in whatever order commits meet', async () => {
    await submit(api, leader, job, { retain: 256 });
    await mapConcurrent(Array.from({ length: 40 }).keys(), 2, (at) => inline(`state ${at}`));
    expect((await shown()).checkpoints).toHaveLength(40);
    await submit(api, leader, job, { retain: 35 });
    expect((await shown()).checkpoints.map((one: { checkpointId: number }) => one.checkpointId)).toEqual(
      Array.from({ length: 35 }, (_, at) => at + 6),
    );
    const { body, uploadId } = await checkpoint(api, leader, job, 'forty-one');
    expect(body.retained).toEqual(Array.from({ length: 35 }, (_, at) => at + 7));
    expect((await api.call('POST', `${job}/checkpoints`, { uploadId }, leader)).body).toEqual(body);
    await submit(api, leader, job, { retain: 2 });
    expect((await inline('narrow')).body).toEqual({ checkpointId: 42, retained: [41, 42] });
    await submit(api, leader, job, { retain: 256 });
    expect((await inline('wide', { checkpointId: 50 })).body).toEqual({ checkpointId: 50, retained: [41, 42, 50] });
    expect((await api.call('DELETE', `${job}/checkpoints`, {}, leader)).body).toEqual({ discarded: 3 });
    expect((await inline('after')).body).toEqual({ checkpointId: 51, retained: [51] });
  });

  test('never brings back what another request has dropped between its reading and its write', async () => {
    await submit(api, leader, job, { retain: 40 });
    await inline('one');
    await inline('two');
    const slow = world.process();
    slow.dynamodb.plan = (_, input) => {
      if (!('ExpressionAttributeValues' in input) || !JSON.stringify(input).includes(':refs')) return undefined;
      slow.dynamodb.plan = () => undefined;
      return 'throttle';
    };
    const [dropped] = await Promise.all([
      api.call('DELETE', `${job}/checkpoints/1`, {}, leader),
      inline('three', {}, undefined, slow),
    ]);
    expect(dropped.status).toBe(200);
    expect(await kept()).toEqual(['checkpoint 2', 'checkpoint 3']);
  });
});

describe('one checkpoint is dropped', () => {
  test('by its id, with its payload; the newest only with force', async () => {
    await submit(api, leader, job, { retain: 3 });
    for (const text of ['one', 'two', 'three']) await inline(text);
    const drop = (id: number, query = '') => api.call('DELETE', `${job}/checkpoints/${id}${query}`, {}, leader);
    expect(await drop(2)).toEqual({ status: 200, body: { discarded: 1 } });
    expect(await drop(2)).toMatchObject({ status: 404, body: { code: 'not_found' } });
    expect(await drop(3)).toMatchObject({ status: 409, body: { code: 'newest_checkpoint', checkpointId: 3 } });
    expect(await kept()).toEqual(['checkpoint 1', 'checkpoint 3']);
    expect(await objects()).toHaveLength(3);
    // A checkpoint dropped by its id counts for the retention: of the last three commits two are left.
    expect((await inline('four')).body).toEqual({ checkpointId: 4, retained: [3, 4] });
    expect((await drop(4, '?force=true')).status).toBe(200);
    expect((await api.call('GET', `${job}/checkpoints/latest`)).body.checkpointId).toBe(3);
    await inline('saved', { kind: 'savepoint' });
    expect((await drop(5)).status).toBe(200);
    expect(await drop(3, '?force=yes')).toMatchObject({ status: 400, body: { issues: [{ path: 'force' }] } });
  });

  test('by the leader of the job only', async () => {
    await submit(api, leader, job, { retain: 2 });
    await inline('one');
    await inline('two');
    const successor = await world.lead(name);
    await api.call('POST', `${group}/recovery`, {}, successor);
    const answer = await api.call('DELETE', `${job}/checkpoints/1`, {}, leader);
    expect(answer).toMatchObject({ status: 409, body: { code: 'fenced' } });
    expect(await kept()).toEqual(['checkpoint 1', 'checkpoint 2']);
  });
});
