import { randomUUID } from 'node:crypto';
import { expect, test } from 'vitest';
import type { Fence } from '../../../api/fence.ts';
import { renew, resign } from '../../../api/operations/leadership.ts';
import { eachInItsGroup } from '../../support/job-scene.ts';
import type { JobWorld } from '../../support/job-world.ts';

let world: JobWorld;
let leader: Fence;
let group: string;

eachInItsGroup('keys', (scene) => {
  ({ world, leader, group } = scene);
});

/** Each call by a process of its own, which has seen no request before. */
const call = (step: string, body: object, key: string, fence?: Fence) =>
  world.process().call('POST', `${group}/leadership/${step}`, body, fence, { 'Idempotency-Key': key });
/** The same with any method and path below the group. */
const send = (method: string, path: string, key: string, body?: object) =>
  world.process().call(method, `${group}/${path}`, body, leader, { 'Idempotency-Key': key });
const inline = (text: string) => ({ inline: Buffer.from(text).toString('base64') });
const reused = { status: 422, body: { code: 'idempotency_key_reused' } };

test('a key that the record of the leadership remembers is refused with another request, by every process', async () => {
  expect((await call('resign', {}, 'bye', leader)).status).toBe(200);
  expect((await call('resign', {}, 'bye', leader)).status).toBe(200);
  expect(await call('resign', { successor: 'b' }, 'bye', leader)).toMatchObject(reused);
  const granted = await call('contend', { contenderId: 'c', leaseMs: 60_000 }, 'mine');
  expect(granted.status).toBe(200);
  expect(await call('contend', { contenderId: 'd', leaseMs: 60_000 }, 'mine')).toMatchObject(reused);
  expect((await call('contend', { contenderId: 'd', leaseMs: 60_000 }, 'another')).body.code).toBe('leadership_held');
});

test('a key that a commit came with is refused with another body, and the commit is named', async () => {
  const committed = { status: 201, body: { checkpointId: 1 } };
  const another = { body: { operation: `POST /v1${group}/jobs/j/checkpoints` } };
  expect((await send('PUT', 'jobs/j', 'submit', { graph: inline('a graph'), retain: 3 })).status).toBe(201);
  expect(await send('POST', 'jobs/j/checkpoints', 'one', inline('a'))).toMatchObject(committed);
  expect(await send('POST', 'jobs/j/checkpoints', 'one', inline('b'))).toMatchObject(reused);
  expect(await send('POST', 'jobs/j/checkpoints', 'one', inline('b'))).toMatchObject(another);
  expect(await send('POST', 'jobs/j/checkpoints/reserve', 'one', {})).toMatchObject(reused);
  expect(await send('POST', 'jobs/j/finish', 'one', { result: 'failed' })).toMatchObject(reused);
  expect(await send('POST', 'jobs/j/checkpoints', 'one', inline('a')), 'a retry').toMatchObject(committed);
  expect((await send('POST', 'jobs/j/checkpoints/reserve', 'two', {})).body).toEqual({ checkpointId: 2 });
  expect(await send('POST', 'jobs/j/checkpoints/reserve', 'two', { atLeast: 50 })).toMatchObject(reused);
  expect(await send('POST', 'jobs/j/checkpoints', 'two', inline('c'))).toMatchObject(reused);
  expect((await world.process().call('GET', `${group}/jobs/j/checkpoints`)).body.items).toHaveLength(1);
});

test('the job remembers the last two of them, of any kind of commit', async () => {
  expect((await send('PUT', 'jobs/j', 'submit', { graph: inline('a graph'), retain: 40 })).status).toBe(201);
  for (const key of ['1', '2']) {
    expect((await send('POST', 'jobs/j/checkpoints', key, inline(key))).status).toBe(201);
  }
  expect(await send('POST', 'jobs/j/checkpoints', '1', { ...inline('x'), kind: 'savepoint' })).toMatchObject(reused);
  expect((await send('POST', 'jobs/j/checkpoints', '3', inline('3'))).status).toBe(201);
  expect(await send('POST', 'jobs/j/checkpoints', '2', inline('x'))).toMatchObject(reused);
  expect((await send('POST', 'jobs/j/checkpoints', '1', inline('x'))).status, 'forgotten').toBe(201);
});

test('the key of a rare request is kept for a day, and not when the request was refused', async () => {
  expect((await send('PUT', 'jobs/j', 'submit', { graph: inline('a graph'), retain: 3 })).status).toBe(201);
  for (const key of ['1', '2', '3']) await send('POST', 'jobs/j/checkpoints', key, inline(key));
  const drop = (checkpoint: number, key = 'drop') => send('DELETE', `jobs/j/checkpoints/${checkpoint}`, key);
  expect((await drop(9)).status, 'refused, so its key is free').toBe(404);
  expect((await drop(1)).status).toBe(200);
  expect(await drop(2)).toMatchObject({
    status: 422,
    body: { code: 'idempotency_key_reused', operation: `DELETE /v1${group}/jobs/j/checkpoints/1` },
  });
  expect((await drop(1)).status, 'the retry is not refused for its key').toBe(404);
  expect(await drop(2), 'nor does its refusal free the key').toMatchObject(reused);
  expect((await drop(2, 'another')).status).toBe(200);
  world.clock.ahead += 25 * 3_600_000;
  expect((await drop(3, 'drop')).status, 'a day later: the newest stays').toBe(409);
  world.clock.ahead -= 25 * 3_600_000;
});

test('a key that comes with a request that needs none is kept as well, by every process', async () => {
  expect((await send('PUT', 'jobs/j', 'submit', { graph: inline('a graph'), retain: 3 })).status).toBe(201);
  type Call = readonly [method: string, path: string, body?: object];
  const pairs: readonly (readonly [Call, Call])[] = [
    [
      ['POST', 'leadership/confirm', { address: 'a:1' }],
      ['POST', 'leadership/confirm', { address: 'a:2' }],
    ],
    [
      ['POST', 'leadership/renew', { leaseMs: 60_000 }],
      ['POST', 'leadership/renew', { leaseMs: 50_000 }],
    ],
    [
      ['PUT', 'leadership/addresses/rest', { address: 'a:1' }],
      ['PUT', 'leadership/addresses/rest', { address: 'a:2' }],
    ],
    [
      ['DELETE', 'leadership/addresses/rest'],
      ['DELETE', 'leadership/addresses/other'],
    ],
    [
      ['POST', 'jobs/j/uploads', { purpose: 'graph' }],
      ['POST', 'jobs/j/uploads', { purpose: 'checkpoint' }],
    ],
    [
      ['POST', 'recovery', {}],
      ['POST', 'recovery', { discardOlder: true }],
    ],
  ];
  for (const [first, another] of pairs) {
    const key = randomUUID();
    const call = ([method, path, body]: Call) => send(method, path, key, body);
    const [method, path] = first;
    expect((await call(first)).status, path).toBe(200);
    const operation = `${method} /v1${group}/${path}`;
    expect(await call(another), path).toMatchObject({ status: 422, body: { ...reused.body, operation } });
    expect((await call(first)).status, `${path}, a retry`).toBe(200);
  }
});

test('clients give these requests no key by themselves, so that they cost what they did', async () => {
  const process = world.process();
  const keys: (string | null)[] = [];
  const fetch: typeof globalThis.fetch = (url, init) => {
    keys.push(new Headers(init?.headers).get('Idempotency-Key'));
    return process.fetch(url, init);
  };
  const client = process.client({ fetch });
  const params = { group: group.slice(group.lastIndexOf('/') + 1) };
  await client.call(renew, { params, body: {}, fence: leader });
  await client.call(renew, { params, body: {}, fence: leader, idempotencyKey: 'asked' });
  await client.call(resign, { params, body: {}, fence: leader });
  expect(keys).toEqual([null, 'asked', expect.any(String)]);
});
