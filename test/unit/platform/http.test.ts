import { expect, test } from 'vitest';
import * as z from 'zod/mini';
import { operation } from '../../../api/operation.ts';
import { name, nothing, pageQuery, sessionId, wholeText } from '../../../api/schema.ts';
import { endpoint, serve } from '../../../functions/platform/http.ts';
import { fromCursor, toCursor } from '../../../store/cursor.ts';

const shared = {
  servedBy: 'operate',
  callers: [],
  summary: 'x',
  answer: z.record(z.string(), z.unknown()),
  problems: [],
} as const;
const read = operation({
  ...shared,
  method: 'GET',
  path: '/v1/things/{thing}/parts/{part}',
  params: z.object({ thing: name, part: wholeText(1, 1_000) }),
  query: pageQuery,
  body: nothing,
});
const write = operation({
  ...shared,
  method: 'POST',
  path: '/v1/things/{thing}',
  params: z.object({ thing: name }),
  query: nothing,
  headers: { 'Attempt-Secret': z.string().check(z.minLength(16)) },
  body: z.strictObject({ note: z.record(z.string(), z.json()) }),
});
const app = serve([
  endpoint(read, async ({ params, query }) => ({ ...params, ...query })),
  endpoint(write, async ({ body }) => body),
]);
const secret = { 'Attempt-Secret': 'a'.repeat(16) };

async function refused(path: string, init: RequestInit = {}) {
  const answer = await app.request(path, init);
  expect(answer.headers.get('content-type')).toBe('application/problem+json');
  return (await answer.json()) as { code: string; issues: { path: string; message: string }[] };
}

test.for(['0', '01', '1.0', '1e1', '0x1', '+1', ' 1', '', 'NaN', '1001', '9'.repeat(17)])(
  '"%s" is no part and no limit',
  async (text) => {
    const spelled = encodeURIComponent(text);
    if (text !== '')
      expect(await refused(`/v1/things/t/parts/${spelled}`)).toMatchObject({ issues: [{ path: 'part' }] });
    expect(await refused(`/v1/things/t/parts/1?limit=${spelled}`)).toMatchObject({ issues: [{ path: 'limit' }] });
  },
);

test('digits are a number, and a limit that is not given is 100', async () => {
  expect(await (await app.request('/v1/things/t/parts/12')).json()).toEqual({ thing: 't', part: 12, limit: 100 });
});

test('a header that is missing is named', async () => {
  const { code, issues } = await refused('/v1/things/t', { method: 'POST', body: '{"note":{}}' });
  expect({ code, path: issues[0]?.path }).toEqual({ code: 'invalid_request', path: 'Attempt-Secret' });
});

test.for([
  ['a key that objects lose', '{"note":{"__proto__":{"a":1}}}'],
  ['the same key in other letters', '{"note":{"\\u005f_proto__":1}}'],
  ['values that are nested too deeply', `{"note":{"a":${'['.repeat(20_000)}${']'.repeat(20_000)}}}`],
  ['bytes that are not UTF-8', Buffer.from([0x7b, 0xff, 0x7d])],
] as const)('%s is refused', async ([, body]) => {
  expect(await refused('/v1/things/t', { method: 'POST', body, headers: secret })).toMatchObject({
    code: 'invalid_request',
    issues: [{ path: '' }],
  });
});

test('HEAD is not served as GET, and says what the path takes', async () => {
  const answer = await app.request('/v1/things/t/parts/1', { method: 'HEAD' });
  expect([answer.status, answer.headers.get('allow')]).toEqual([405, 'GET']);
  expect((await app.request('/v1/nothing', { method: 'HEAD' })).status).toBe(404);
});

test('a path with an empty name is no route', async () => {
  expect(await refused('/v1/things//parts/1')).toMatchObject({ code: 'not_found' });
  expect(await refused('/v1/things/', { method: 'POST' })).toMatchObject({ code: 'not_found' });
});

test('a cursor is taken back only by its own listing', () => {
  expect(fromCursor(toCursor('JOB#a.b'), 'JOB#')).toBe('JOB#a.b');
  expect(fromCursor(toCursor('7'), '', /^\d+$/)).toBe('7');
  for (const forged of ['{}', '[1]', 'JOB#', 'TERM#1', 'JOB#\0', `JOB#${'a'.repeat(500)}`]) {
    expect(() => fromCursor(toCursor(forged), 'JOB#')).toThrow('is not one of this listing');
  }
  expect(() => fromCursor('{}', '')).toThrow('is not one of this listing');
  expect(() => fromCursor(`${toCursor('JOB#a')}=`, 'JOB#')).toThrow('is not one of this listing');
});

test('a session is the same in either case of letters', () => {
  expect(sessionId.parse('0B5C1A2E-0000-4000-8000-00000000ABCD')).toBe('0b5c1a2e-0000-4000-8000-00000000abcd');
});
