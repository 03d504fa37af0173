import { randomUUID } from 'node:crypto';
import { expect, test } from 'vitest';
import type { Fence } from '../../../api/fence.ts';
import { renew, resign } from '../../../api/operations/leadership.ts';
import type { KeptRequest } from '../../../functions/platform/request-keys.ts';
import { requestKeysTable } from '../../../functions/platform/request-keys-table.ts';
import { requestIdOf } from '../../../store/idempotency.ts';
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

test('of two requests that come under one key at the same moment, to two processes, one is carried out', async () => {
  expect((await send('PUT', 'jobs/j', 'submit', { graph: inline('a graph'), retain: 40 })).status).toBe(201);
  for (let id = 1; id <= 21; id += 1) {
    expect((await send('POST', 'jobs/j/checkpoints', `${id}`, inline(`${id}`))).status).toBe(201);
  }
  for (let id = 1; id <= 20; id += 2) {
    const both = [id, id + 1].map((one) => send('DELETE', `jobs/j/checkpoints/${one}`, `drop-${id}`));
    const answers = await Promise.all(both);
    expect(answers.map(({ status }) => status).toSorted()).toEqual([200, 422]);
    expect(answers.find(({ status }) => status === 422)).toMatchObject(reused);
  }
  expect((await world.process().call('GET', `${group}/jobs/j/checkpoints`)).body.items).toHaveLength(11);
});

test.each<[string, string, string, (at: number) => readonly [object, object]]>([
  ['submissions', 'PUT', 'jobs/new-AT', () => [{ graph: inline('a') }, { graph: inline('b') }]],
  ['commits', 'POST', 'jobs/j/checkpoints', (at) => [inline(`a${at}`), inline(`b${at}`)]],
  ['reservations', 'POST', 'jobs/j/checkpoints/reserve', (at) => [{ atLeast: 100 * at }, { atLeast: 100 * at + 1 }]],
  ['finishes', 'POST', 'jobs/gone-AT/finish', () => [{ result: 'failed' }, { result: 'succeeded' }]],
])('so it is with the key of %s, which a record remembers', async (_, method, path, bodies) => {
  expect((await send('PUT', 'jobs/j', 'submit', { graph: inline('a graph'), retain: 40 })).status).toBe(201);
  for (let at = 1; at <= 5; at += 1) {
    const both = bodies(at).map((body) => send(method, path.replace('AT', `${at}`), `both-${at}`, body));
    const answers = await Promise.all(both);
    expect(answers.filter(({ status }) => status < 300)).toHaveLength(1);
    expect(answers.find(({ status }) => status >= 300)).toMatchObject(reused);
  }
});

test('a key costs its request one write, a refused one a second, and a retry that succeeds as well', async () => {
  const process = world.process();
  const sent = async (method: string, path: string, key?: string) => {
    const from = process.dynamodb.sent.length;
    const { status } = await process.call(
      method,
      `${group}/${path}`,
      undefined,
      leader,
      key ? { 'Idempotency-Key': key } : {},
    );
    return [status, ...process.dynamodb.sent.slice(from).map(({ command }) => command)];
  };
  const drop = (key?: string) => sent('DELETE', 'leadership/addresses/rest', key);
  const plain = await drop();
  expect(plain[0]).toBe(200);
  expect(await drop('one')).toEqual([200, 'UpdateItemCommand', ...plain.slice(1)]);
  expect(await drop('one'), 'again').toEqual([200, 'UpdateItemCommand', ...plain.slice(1), 'UpdateItemCommand']);
  const refused = await sent('DELETE', 'jobs/none/checkpoints/1');
  expect(refused[0]).toBe(404);
  expect(await sent('DELETE', 'jobs/none/checkpoints/1', 'two')).toEqual([
    404,
    'UpdateItemCommand',
    ...refused.slice(1),
    'UpdateItemCommand',
  ]);
});

test('a request that was repeated and succeeded keeps its key, although its first try is refused after that', async () => {
  const keys = requestKeysTable(world.other, world.table, world.clock);
  const [one, another] = ['{"n":1}', '{"n":2}'].map((body) => ({
    requestId: requestIdOf('k', 'POST', '/v1/notes', Buffer.from(body)),
    operation: 'POST /v1/notes',
  })) as [KeptRequest, KeptRequest];
  expect(await keys.claim(group, one)).toBeUndefined();
  expect(await keys.claim(group, one), 'the retry').toEqual(one);
  await keys.keep(group, one);
  await keys.release(group, one);
  expect(await keys.claim(group, another)).toEqual(one);

  const other = `${group}-other`;
  expect(await keys.claim(other, one)).toBeUndefined();
  expect(await keys.claim(other, one), 'the retry').toEqual(one);
  await keys.release(other, one);
  await keys.keep(other, one);
  expect(await keys.claim(other, another)).toEqual(one);

  const refused = `${group}-refused`;
  expect(await keys.claim(refused, one)).toBeUndefined();
  await keys.release(refused, one);
  expect(await keys.claim(refused, another), 'free for the corrected one').toBeUndefined();
  await keys.release(refused, one);
  expect(await keys.claim(refused, one), 'nobody else frees it').toEqual(another);
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
