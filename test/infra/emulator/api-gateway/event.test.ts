import { createServer, type IncomingMessage, type OutgoingHttpHeaders, request as send } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { eventOf, pathOf } from '../../../../emulator/api-gateway/event.ts';

const match = {
  route: {
    key: 'POST /a/{id}',
    method: 'POST',
    segments: ['a', '{id}'],
    functionName: 'f',
    authorization: 'AWS_IAM',
    timeoutMs: 1,
  },
  pathParameters: { id: 'x y' },
};
const now = new Date('2026-03-04T05:06:07.089Z');
let take: (request: IncomingMessage) => void = () => {};
const server = createServer((request, response) => {
  take(request);
  response.end();
});
beforeAll(() => new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve)));
afterAll(() => server.close());

/** The result of `read` for a request that came over the wire. */
async function received<Read>(path: string, headers: [string, string][], read: (request: IncomingMessage) => Read) {
  const { port } = server.address() as AddressInfo;
  let result: Read | undefined;
  take = (request) => {
    result = read(request);
  };
  await new Promise<void>((resolve, reject) => {
    const raw = [['Host', 'h'], ...headers].flat() as unknown as OutgoingHttpHeaders;
    const outgoing = send({ port, path, method: 'POST', host: '127.0.0.1', headers: raw });
    outgoing.on('response', (answer) => answer.resume().on('end', resolve)).on('error', reject);
    outgoing.end();
  });
  return result as Read;
}

const eventFrom = (path: string, headers: [string, string][], body = Buffer.alloc(0)) =>
  received(path, headers, (request) => eventOf(request, body, match, now));

test('has every field of payload format 2.0', async () => {
  const event = await eventFrom(
    '/a/x%20y?q=1&q=2&r=%C3%A9',
    [
      ['X-Many', 'a'],
      ['x-many', 'b'],
      ['Cookie', 'c=1; d=2'],
      ['User-Agent', 'tester'],
      ['Content-Type', 'application/json'],
      ['Authorization', 'AWS4-HMAC-SHA256 Credential=AKIAX/20260304/us-east-1/execute-api/aws4_request, Signature=s'],
      ['Connection', 'close'],
    ],
    Buffer.from('{"a":"é"}'),
  );
  expect(event).toEqual({
    version: '2.0',
    routeKey: 'POST /a/{id}',
    rawPath: '/a/x y',
    rawQueryString: 'q=1&q=2&r=%C3%A9',
    cookies: ['c=1', 'd=2'],
    headers: {
      host: 'h',
      'x-many': 'a,b',
      'user-agent': 'tester',
      'content-type': 'application/json',
      authorization: expect.stringContaining('AWS4'),
      'x-forwarded-for': '127.0.0.1',
      'x-forwarded-port': String((server.address() as AddressInfo).port),
      'x-forwarded-proto': 'http',
    },
    queryStringParameters: { q: '1,2', r: 'é' },
    requestContext: {
      accountId: '000000000000',
      apiId: 'local',
      authentication: null,
      authorizer: {
        iam: {
          accessKey: 'AKIAX',
          accountId: '000000000000',
          callerId: 'AKIAX',
          cognitoIdentity: null,
          principalOrgId: null,
          userArn: 'arn:aws:iam::000000000000:user/AKIAX',
          userId: 'AKIAX',
        },
      },
      domainName: 'local.execute-api.us-east-1.amazonaws.com',
      domainPrefix: 'local',
      http: { method: 'POST', path: '/a/x y', protocol: 'HTTP/1.1', sourceIp: '127.0.0.1', userAgent: 'tester' },
      requestId: expect.stringMatching(/^[0-9a-f-]{36}$/),
      routeKey: 'POST /a/{id}',
      stage: '$default',
      time: '04/Mar/2026:05:06:07 +0000',
      timeEpoch: now.getTime(),
    },
    pathParameters: { id: 'x y' },
    body: '{"a":"é"}',
    isBase64Encoded: false,
  });
});

test('leaves out what a request does not have', async () => {
  const event = await eventFrom('/a/1', []);
  for (const absent of ['cookies', 'queryStringParameters', 'body']) expect(event).not.toHaveProperty(absent);
});

test.each([
  ['application/octet-stream', 'plain', true],
  ['application/x-www-form-urlencoded', 'a=b', true],
  ['text/plain; charset=utf-8', 'plain', false],
  ['application/problem+json', '{}', false],
  ['application/json', Buffer.from([0xc3]), true],
])('a body of %s %j travels as base64: %s', async (type, body, encoded) => {
  const event = await eventFrom('/a/1', [['Content-Type', type]], Buffer.from(body));
  expect(event.isBase64Encoded).toBe(encoded);
  expect(Buffer.from(event.body ?? '', encoded ? 'base64' : 'utf8')).toEqual(Buffer.from(body));
});

test('a path that is not well-formed is no path', async () => {
  const read = (request: IncomingMessage) => {
    try {
      return pathOf(request);
    } catch (cause) {
      return (cause as Error).name;
    }
  };
  expect(await received('/a/%E0%A4%A', [], read)).toBe('URIError');
  expect(await received('/a%2Fb?x=%zz', [], read)).toEqual({ path: '/a/b', query: 'x=%zz' });
});
