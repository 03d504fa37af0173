import { describe, expect, test } from 'vitest';
import * as z from 'zod/mini';
import { operation } from '../../../api/operation.ts';
import { name, nothing } from '../../../api/schema.ts';
import { endpoint, serve } from '../../../functions/platform/http.ts';
import { lambdaHandler } from '../../../functions/platform/lambda.ts';

const job = operation({
  method: 'GET',
  path: '/v1/groups/{group}/jobs/{job}',
  servedBy: 'jobs',
  callers: [],
  summary: 'x',
  params: z.object({ group: name, job: name }),
  query: nothing,
  body: nothing,
  answer: z.json(),
  problems: [],
});
const submit = operation({
  ...job,
  method: 'PUT',
  query: z.object({ note: z.optional(z.string()) }),
  body: z.object({ text: z.string() }),
  headers: { 'Log-Writer': z.string().check(z.minLength(1)) },
});
const handler = lambdaHandler(
  serve([
    endpoint(job, async ({ params }) => params),
    endpoint(submit, async ({ body, query: { note = null }, headers }) => ({ ...body, note, ...headers })),
  ]),
);

/** The event behind a request whose path API Gateway has decoded. */
async function got(rawPath: string, more: object = {}) {
  const http = { method: 'GET', path: rawPath };
  const event = { version: '2.0', rawPath, rawQueryString: '', headers: {}, requestContext: { http, domainName: 'd' } };
  const { statusCode, headers, body } = await handler({ ...event, ...more } as never);
  return { status: statusCode, type: headers?.['content-type'], body: JSON.parse(body ?? '') };
}

test('an authorised request is served', async () => {
  expect(await got('/v1/groups/orders/jobs/j.1_a-b')).toMatchObject({
    status: 200,
    body: { group: 'orders', job: 'j.1_a-b' },
  });
});

/** Each of these once reached a job of the group `other` with a permission for `orders` only. */
test.for([
  ['dots', '/v1/groups/orders/jobs/../../other/jobs/j'],
  ['back slashes', '/v1/groups/orders/jobs/..\\..\\other\\jobs\\j'],
  ['escapes that the gateway left', '/v1/groups/orders/jobs/%2e%2e/%2e%2e/other/jobs/j'],
  ['an escape of an escape', '/v1/groups/%6fther/jobs/j'],
  ['a line feed', '/v1/groups/ot\nher/jobs/j'],
  ['a tab', '/v1/groups/other/jobs/\tj'],
  ['a trailing blank', '/v1/groups/other/jobs/j '],
  ['a trailing NUL', '/v1/groups/other/jobs/j\0'],
  ['a question mark', '/v1/groups/other/jobs/j?/finish'],
  ['a fragment', '/v1/groups/other/jobs/j#/finish'],
  ['half an escape', '/v1/groups/other/jobs/%'],
] as const)('a path with %s reaches no other group', async ([, path]) => {
  expect(await got(path)).toMatchObject({
    status: 400,
    type: 'application/problem+json',
    body: { code: 'invalid_request', issues: [{ path: '' }] },
  });
});

test.for(['a b', '€', 'a:b', '-a'])('the name "%s" is refused by its own rule', async (group) => {
  expect(await got(`/v1/groups/${group}/jobs/j`)).toMatchObject({ status: 400, body: { issues: [{ path: 'group' }] } });
});

test('a HEAD is not served as the GET', async () => {
  const http = { method: 'HEAD', path: '/v1/groups/orders/jobs/j' };
  const event = { rawPath: http.path, rawQueryString: '', headers: {}, requestContext: { http, domainName: 'd' } };
  const refused = {
    statusCode: 405,
    headers: { allow: 'GET, PUT', 'content-type': 'application/problem+json' },
    body: '',
  };
  expect(await handler(event as never)).toMatchObject(refused);
});

test('a GET that brings a body is served without it', async () => {
  expect(await got('/v1/groups/orders/jobs/j', { body: '{"x":1}' })).toMatchObject({ status: 200 });
});

describe('the body of an event', () => {
  const put = (more: object) =>
    got('/v1/groups/orders/jobs/j', {
      requestContext: { http: { method: 'PUT' }, domainName: 'd' },
      headers: { 'log-writer': 'w' },
      ...more,
    });

  test.for([
    ['as text', { body: '{"text":"größer"}', isBase64Encoded: false }],
    ['as bytes', { body: Buffer.from('{"text":"größer"}').toString('base64'), isBase64Encoded: true }],
  ] as const)('is read %s', async ([, event]) => {
    const answer = await put({ ...event, rawQueryString: 'note=a%20b' });
    expect(answer).toMatchObject({ status: 200, body: { text: 'größer', note: 'a b', 'Log-Writer': 'w' } });
  });

  test('is refused when its bytes are no UTF-8', async () => {
    const answer = await put({ body: Buffer.from([0x22, 0xff, 0x22]).toString('base64'), isBase64Encoded: true });
    expect(answer).toMatchObject({ status: 400, body: { detail: expect.stringContaining('not JSON in UTF-8') } });
  });

  test('has its limit in bytes, not in characters', async () => {
    const answer = await put({ body: JSON.stringify({ text: 'ß'.repeat(40_000) }) });
    expect(answer).toMatchObject({
      status: 400,
      body: { detail: expect.stringContaining('The body has 80011 bytes') },
    });
  });

  test('may be a header that HTTP could not carry: it arrives escaped', async () => {
    const answer = await put({ body: '{"text":"t"}', headers: { 'log-writer': 'ü\u0000' } });
    expect(answer).toMatchObject({ status: 200, body: { 'Log-Writer': '%C3%BC%00' } });
  });
});

test.for(['fencing-version', 'leader-session', 'idempotency-key', 'log-writer'])(
  'an empty %s is refused, and not taken for none',
  async (header) => {
    const http = { method: 'PUT', path: '/v1/groups/orders/jobs/j' };
    const headers = { 'log-writer': 'w', [header]: '' };
    const answer = await got(http.path, { requestContext: { http, domainName: 'd' }, headers, body: '{"text":"x"}' });
    const path = expect.stringMatching(new RegExp(`^${header}$`, 'i'));
    expect(answer).toMatchObject({ status: 400, body: { code: 'invalid_request', issues: [{ path }] } });
  },
);

describe('a request whose stores do not answer', () => {
  const never = () => new Promise<never>(() => {});
  const stalled = lambdaHandler(serve([endpoint(job, never), endpoint(submit, never)]));
  const context = { awsRequestId: 'r', getRemainingTimeInMillis: () => 1_600 } as never;
  const ask = async (method: string, more: object = {}) => {
    const rawPath = '/v1/groups/orders/jobs/j';
    const http = { method, path: rawPath };
    const event = { rawPath, rawQueryString: '', headers: {}, requestContext: { http, domainName: 'd' }, ...more };
    const { statusCode, headers, body } = await stalled(event as never, context);
    return { status: statusCode, again: headers?.['retry-after'], ...JSON.parse(body ?? '') };
  };

  test('is answered before the time of the function is up, with what is known', async () => {
    expect(await ask('GET')).toMatchObject({
      status: 503,
      code: 'unavailable',
      outcome: 'unchanged',
      again: '1',
      detail: 'The stores did not answer within 0 s: nothing was changed; try again.',
    });
    const write = { body: '{"text":"x"}', headers: { 'log-writer': 'w' } };
    expect(await ask('PUT', write)).toMatchObject({
      status: 503,
      outcome: 'unknown',
      detail: expect.stringContaining('whether the request was carried out is not known; try again with the same'),
    });
  });

  test('one that is answered in time leaves no timer', async () => {
    const before = process.getActiveResourcesInfo().filter((kind) => kind === 'Timeout').length;
    const http = { method: 'GET', path: '/v1/groups/orders/jobs/j' };
    const event = { rawPath: http.path, rawQueryString: '', headers: {}, requestContext: { http, domainName: 'd' } };
    expect(await handler(event as never, context)).toMatchObject({ statusCode: 200 });
    expect(process.getActiveResourcesInfo().filter((kind) => kind === 'Timeout')).toHaveLength(before);
  });
});
