import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import * as z from 'zod/mini';
import { catalogue } from '../../../api/catalogue.ts';
import { type Operation, operation } from '../../../api/operation.ts';
import { internal, ProblemError, unavailable } from '../../../api/problem.ts';
import { name, nothing } from '../../../api/schema.ts';
import { endpoint, serve } from '../../../functions/platform/http.ts';
import { isKeyReused, keyOf, RecentRequests, requestIdOf } from '../../../store/idempotency.ts';

const bytes = (text: string) => new TextEncoder().encode(text);
const id = (key: string, body: string, path = '/v1/a') => requestIdOf(key, 'PUT', path, bytes(body));

test('a request id stands for key, method, path and body', () => {
  expect(id('k', '{}')).toBe(id('k', '{}'));
  const others = [id('k', '{"a":1}'), id('k', '{}', '/v1/b'), requestIdOf('k', 'POST', '/v1/a', bytes('{}'))];
  for (const other of others) {
    expect(keyOf(other)).toBe(keyOf(id('k', '{}')));
    expect(isKeyReused(other, id('k', '{}'))).toBe(true);
  }
  expect(isKeyReused(id('k', '{}'), id('k', '{}'))).toBe(false);
  expect(isKeyReused(id('l', '{}'), id('k', '{"a":1}'))).toBe(false);
  expect(isKeyReused(undefined, id('k', '{}'))).toBe(false);
});

test('requests without a key are all different, and ids of the service itself are whole', () => {
  expect(keyOf(id('', '{}'))).not.toBe(keyOf(id('', '{}')));
  const slots = ['slot-01a20f26-c392-7745-b7bb-df8bdc9537a1', 'slot-01a20f26-c392-7745-b7bb-df8bdc9537a2'];
  expect(slots.map(keyOf)).toEqual(slots);
});

test('the oldest of more requests than are remembered is forgotten', () => {
  const recent = new RecentRequests(2);
  for (const key of ['1', '2', '1', '3']) recent.remember('g/', id(key, '{}'), `PUT ${key}`);
  expect(() => recent.refuseReusedKey('g/', id('2', 'other'))).not.toThrow();
  expect(() => recent.refuseReusedKey('g/', id('1', 'other'))).toThrow('before: PUT 1. Send a new key');
  expect(() => recent.refuseReusedKey('h/', id('1', 'other'))).not.toThrow();
});

describe('on every route', () => {
  const shared = {
    servedBy: 'operate',
    callers: [],
    summary: 'x',
    answer: z.unknown(),
    problems: [],
    query: nothing,
  } as const;
  const params = z.object({ group: name });
  const declared = (method: 'POST' | 'DELETE', path: `/v1/${string}`) =>
    operation({ ...shared, method, path, params, body: z.strictObject({ n: z.int() }) });
  let outcome: () => unknown = () => ({});
  const app = serve(
    [declared('POST', '/v1/groups/{group}/notes'), declared('DELETE', '/v1/groups/{group}/notes')].map((one) =>
      endpoint(one, async () => outcome()),
    ),
  );
  const send = async (key: string, body: unknown, path = '/v1/groups/g/notes', method = 'POST') => {
    const init = { method, headers: { 'Idempotency-Key': key }, body: JSON.stringify(body) };
    const answer = await app.request(path, init);
    return { status: answer.status, body: await answer.json() };
  };
  const fail = (error: Error) => () => {
    throw error;
  };

  test('a key is refused with another body, path or method, and the refusal names the first request', async () => {
    expect((await send('one', { n: 1 })).status).toBe(200);
    expect((await send('one', { n: 1 })).status).toBe(200);
    const refused = { status: 422, body: { code: 'idempotency_key_reused', operation: 'POST /v1/groups/g/notes' } };
    expect(await send('one', { n: 2 })).toMatchObject(refused);
    expect(await send('one', { n: 1 }, '/v1/groups/g/notes', 'DELETE')).toMatchObject(refused);
    expect((await send('one', { n: 2 }, '/v1/groups/other/notes')).status).toBe(200);
  });

  test('a request that was refused leaves its key to the corrected one; one of unknown outcome does not', async () => {
    expect((await send('two', { n: 'x' })).status).toBe(400);
    expect((await send('two', { n: 1 })).status).toBe(200);
    for (const error of [new ProblemError(unavailable, 'x'), new ProblemError(internal, 'x'), new TypeError('x')]) {
      const key = `three-${error.name}-${error instanceof ProblemError ? error.code : ''}`;
      outcome = fail(error);
      expect((await send(key, { n: 1 })).status).toBeGreaterThanOrEqual(500);
      outcome = () => ({});
      expect((await send(key, { n: 2 })).status).toBe(422);
      expect((await send(key, { n: 1 })).status).toBe(200);
    }
  });
});

test('each function that serves an operation with `key` is given the store of keys', () => {
  const served = new Set(Object.values<Operation>(catalogue).flatMap(({ key, servedBy }) => (key ? [servedBy] : [])));
  expect(served.size).toBeGreaterThan(4);
  for (const name of served) {
    const entryPoint = readFileSync(new URL(`../../../functions/entry-points/${name}.ts`, import.meta.url), 'utf8');
    expect(entryPoint, name).toContain('keys: requestKeysFromEnvironment()');
  }
});
