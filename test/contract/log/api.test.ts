import { randomUUID } from 'node:crypto';
import { beforeAll, describe, expect, inject, test } from 'vitest';
import { type Call, served } from '../../support/log/served.ts';
import { logsWith } from '../../support/log/tables.ts';
import { logContract, openLog } from './log-contract.ts';

let call: Call;
/** The API as another process serves it, which has seen no request. */
let elsewhere: () => Call;
beforeAll(async () => {
  const endpoint = inject('dynamodb');
  const { room, tables } = await logsWith(endpoint, 3);
  elsewhere = () => served(endpoint, tables.main, room);
  call = elsewhere();
});

const base64 = (text: string) => Buffer.from(text).toString('base64');
const newLog = () => openLog(call);

describe('the API', () => logContract(() => call));

test('a key is refused with another payload by a process that has never seen it, also after an election', async () => {
  const { path, writer, append, elect, read } = await newLog();
  const keyed = { 'Idempotency-Key': randomUUID() };
  const sent = (text: string, headers: Record<string, string>) =>
    elsewhere()('POST', `${path}/entries`, { entries: [base64(text)] }, { ...headers, ...keyed });
  expect((await append(['a'], { ...writer, ...keyed })).status).toBe(201);
  const refused = { status: 422, body: { code: 'idempotency_key_reused', operation: expect.stringContaining(path) } };
  expect(await sent('b', writer)).toMatchObject(refused);
  expect(await elsewhere()('POST', `${path}/truncate`, { to: 1 }, { ...writer, ...keyed })).toMatchObject(refused);
  const next = await elect();
  expect(await sent('b', next)).toMatchObject(refused);
  expect(await sent('a', next)).toEqual({ status: 201, body: { first: 1, last: 1 } });
  expect((await append(['b'], next)).body).toEqual({ first: 2, last: 2 });
  expect((await read()).body.items).toHaveLength(2);
});

test('the key of a rare request is refused with another log by any process', async () => {
  const keyed = { 'Idempotency-Key': randomUUID() };
  const create = (log: string) => elsewhere()('PUT', `/v1/groups/orders/logs/${log}`, {}, keyed);
  const [first, second] = [randomUUID(), randomUUID()];
  expect((await create(first)).status).toBe(201);
  expect((await create(first)).status).toBeLessThan(300);
  expect(await create(second)).toMatchObject({
    status: 422,
    body: { code: 'idempotency_key_reused', operation: `PUT /v1/groups/orders/logs/${first}` },
  });
});

describe('nothing is written by a request with', () => {
  test.each<[string, object]>([
    ['no entries', { entries: [] }],
    ['65 entries', { entries: Array(65).fill('') }],
    ['an entry of more than 256 KiB', { entries: [base64('x'.repeat(256 * 1024 + 1))] }],
    ['more than 256 KiB together', { entries: Array(2).fill(base64('x'.repeat(150 * 1024))) }],
    ['an entry that is not base64', { entries: ['%%'] }],
    ['an unknown field', { entries: [''], to: 1 }],
  ])('%s', async (_, body) => {
    const { path, writer, read } = await newLog();
    expect(await call('POST', `${path}/entries`, body, writer)).toMatchObject({
      status: 400,
      body: {
        code: 'invalid_request',
        issues: expect.arrayContaining([{ path: expect.any(String), message: expect.any(String) }]),
      },
    });
    expect((await read()).body.items).toEqual([]);
  });

  test('no Log-Writer, or one that is no UUID: the issue names the header', async () => {
    const { path } = await newLog();
    for (const headers of [{}, { 'Log-Writer': 'me' }]) {
      expect(await call('POST', `${path}/entries`, { entries: [''] }, headers as Record<string, string>)).toMatchObject(
        {
          status: 400,
          body: { code: 'invalid_request', issues: [{ path: 'Log-Writer' }] },
        },
      );
    }
  });

  test('but 64 entries of any size up to the limits are taken, empty ones too', async () => {
    const { append, read } = await newLog();
    expect((await append(Array(64).fill(''))).body).toEqual({ first: 1, last: 64 });
    expect((await append(['x'.repeat(256 * 1024)])).status).toBe(201);
    expect((await append(Array(2).fill('x'.repeat(128 * 1024)))).status).toBe(201);
    const { items } = (await read()).body;
    expect(items.map(({ data }: { data: string }) => Buffer.from(data, 'base64').length)).toEqual([
      ...Array(64).fill(0),
      256 * 1024,
      ...Array(2).fill(128 * 1024),
    ]);
  });
});

test('an unknown log is 404 for every operation, an unknown replica 404, another method 405', async () => {
  const nowhere = '/v1/groups/orders/logs/nowhere';
  const writer = { 'Log-Writer': randomUUID() };
  const calls: [string, string, object?, Record<string, string>?][] = [
    ['GET', nowhere],
    ['POST', `${nowhere}/writer`, {}],
    ['POST', `${nowhere}/entries`, { entries: [''] }, writer],
    ['POST', `${nowhere}/truncate`, { to: 0 }, writer],
    ['GET', `${nowhere}/entries`],
    ...['initialize', 'recover', 'catch-up', 'cancel-recovery'].map((verb): [string, string, object] => [
      'POST',
      `${nowhere}/replicas/1/${verb}`,
      {},
    ]),
  ];
  for (const [method, path, body, headers] of calls) {
    expect(await call(method, path, body, headers), path).toMatchObject({ status: 404, body: { code: 'not_found' } });
  }
  const { path } = await newLog();
  expect((await call('POST', `${path}/replicas/5/recover`, {})).status).toBe(404);
  expect((await call('DELETE', `${path}/entries`)).status).toBe(405);
});

test('a log is created once, waits until it is initialised, and is recovered by an execution', async () => {
  const path = `/v1/groups/orders/logs/${randomUUID()}`;
  const created = await call('PUT', path, { autoInitialize: false });
  expect(created).toMatchObject({ status: 201, body: { autoInitialize: false } });
  expect((await call('PUT', path, {})).body).toEqual(created.body);
  const refused = await call('POST', `${path}/writer`, {});
  expect(refused).toMatchObject({ status: 503, body: { code: 'log_not_recovered', voting: 0, quorum: 2 } });
  expect(await call('GET', `${path}/entries`)).toMatchObject({ status: 503, body: { code: 'log_not_recovered' } });
  const begun = { status: 202, body: { status: 'EMPTY', executionId: 'started' } };
  expect(await call('POST', `${path}/replicas/1/recover`, {})).toEqual(begun);
  expect(await call('POST', `${path}/replicas/1/catch-up`, {})).toEqual(begun);
  const cancelled = await call('POST', `${path}/replicas/1/cancel-recovery`, {});
  expect(cancelled).toEqual({ status: 200, body: { status: 'EMPTY', executionIds: ['stopped'] } });
  const { body } = await call('GET', '/v1/groups/orders/logs?limit=1');
  expect(body.items).toHaveLength(1);
  expect(body.nextCursor).toEqual(expect.any(String));
});
