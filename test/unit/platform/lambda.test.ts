import { expect, test } from 'vitest';
import * as z from 'zod';
import { endpoint, serve } from '../../../functions/platform/http.ts';
import { lambdaHandler } from '../../../functions/platform/lambda.ts';
import { operation } from '../../../functions/platform/operation.ts';
import { name, nothing } from '../../../functions/platform/schema.ts';

const job = operation({
  method: 'GET',
  path: '/v1/groups/{group}/jobs/{job}',
  servedBy: 'x',
  summary: 'x',
  params: z.object({ group: name, job: name }),
  query: nothing,
  body: nothing,
  answer: z.json(),
  problems: [],
});
const handler = lambdaHandler(serve([endpoint(job, async ({ params }) => params)]));

/** The event behind a request whose path API Gateway has decoded. */
async function got(rawPath: string, more: object = {}) {
  const http = { method: 'GET', path: rawPath };
  const event = { version: '2.0', rawPath, rawQueryString: '', headers: {}, requestContext: { http, domainName: 'd' } };
  const { statusCode, headers, body } = await handler({ ...event, ...more } as never);
  return { status: statusCode, type: headers?.['content-type'], body: JSON.parse(body) };
}

test('what was authorised is served', async () => {
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

test('a GET that brings a body is served without it', async () => {
  expect(await got('/v1/groups/orders/jobs/j', { body: '{"x":1}' })).toMatchObject({ status: 200 });
});
