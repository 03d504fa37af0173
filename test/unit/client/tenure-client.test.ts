import { expect, test, vi } from 'vitest';
import { groups } from '../../../api/operations/leadership.ts';
import { TenureClient, type TenureClientOptions } from '../../../client/tenure-client.ts';
import { ManualTime } from '../../support/manual-time.ts';

type Reply = Response | Error | 'silence';

/** A client whose requests get these replies in turn. */
function clientWith(replies: Reply[], options: Partial<TenureClientOptions> = {}) {
  const time = new ManualTime();
  const sent: { url: string; method: string; headers: Headers; body: unknown; at: number }[] = [];
  const fetch: typeof globalThis.fetch = async (input, init = {}) => {
    const { method = 'GET', headers, body } = init;
    sent.push({ url: String(input), method, headers: new Headers(headers), body, at: time.real });
    const reply = replies.shift() ?? new Error('no reply left');
    if (reply === 'silence') {
      await new Promise((_, reject) => init.signal?.addEventListener('abort', () => reject(init.signal?.reason)));
    }
    if (reply instanceof Error) throw new TypeError('fetch failed', { cause: reply });
    return reply as Response;
  };
  const client = new TenureClient({ url: 'http://host:8787/', fetch, time, random: () => 1, ...options });
  return { client, time, sent };
}

const fence = { fencingVersion: 7, sessionId: '0d3c0d5a-6a3f-4f0c-9d4b-3a6c1a52a1f1' };
const renewed = () => Response.json({ expiresAt: '2026-11-01T12:00:00.000Z' });
const problem = (status: number, code: string, more: object = {}) =>
  new Response(
    JSON.stringify({ type: `urn:tenure:${code}`, title: 't', status, detail: 'what to do', code, ...more }),
    {
      status,
      headers: { 'Content-Type': 'application/problem+json' },
    },
  );

test('a request is what the operation declares, with its fence, and a key where that counts', async () => {
  const { client, sent } = clientWith([
    renewed(),
    Response.json({}),
    Response.json({ leader: null, fencingVersion: 0, pending: false, availableInMs: 0 }),
  ]);
  await client.renew('orders', fence, { leaseMs: 9_000 });
  expect(sent[0]).toMatchObject({ method: 'POST', url: 'http://host:8787/v1/groups/orders/leadership/renew' });
  expect(JSON.parse(String(sent[0]?.body))).toEqual({ leaseMs: 9_000 });
  expect(Object.fromEntries(sent[0]?.headers ?? [])).toMatchObject({
    'fencing-version': '7',
    'leader-session': fence.sessionId,
    'content-type': 'application/json',
  });
  expect(sent[0]?.headers.has('idempotency-key')).toBe(false);
  await client.resign('orders', fence);
  expect(sent[1]?.headers.get('idempotency-key')).toMatch(/^[0-9a-f-]{36}$/);
  await client.observe('orders', { consistent: true });
  expect(sent[2]).toMatchObject({
    method: 'GET',
    url: 'http://host:8787/v1/groups/orders/leadership?consistent=true',
    body: undefined,
  });
  expect(sent[2]?.headers.has('idempotency-key')).toBe(false);
});

test('a request that does not fit the schemas is never sent', async () => {
  const { client, sent } = clientWith([]);
  for (const call of [
    () => client.observe('../health'),
    () => client.contend('orders', { contenderId: 'a', leaseMs: 999 }),
    () => client.renew('orders', fence, { surprise: true } as never),
  ]) {
    await expect(call()).rejects.toMatchObject({ code: 'invalid_request', status: 400, retryable: false });
  }
  expect(sent).toEqual([]);
});

test('after an answer that says nothing about the request it is tried again under the same key, until it succeeds', async () => {
  for (const reply of [
    new Error('read ECONNRESET'),
    new Response('{"message":"Too Many Requests"}', { status: 429 }),
    new Response('{"message":"Service Unavailable"}', { status: 503 }),
    new Response('', { status: 504 }),
    problem(503, 'unavailable', { retryable: true }),
  ]) {
    const { client, time, sent } = clientWith([reply, renewed()]);
    const call = client.renew('orders', fence, {});
    await time.advance(2_000);
    await expect(call).resolves.toEqual({ expiresAt: '2026-11-01T12:00:00.000Z' });
    const [first, second] = sent.map(({ headers }) => headers.get('idempotency-key'));
    expect(second).toBe(first);
  }
});

test('other problems are thrown at once, with everything they carry', async () => {
  for (const [reply, expected] of [
    [
      problem(409, 'leadership_held', { retryable: true, retryAfterMs: 4_000, holder: { contenderId: 'b' } }),
      {
        code: 'leadership_held',
        retryAfterMs: 4_000,
        members: { holder: { contenderId: 'b' } },
        message: 'what to do',
      },
    ],
    [problem(503, 'outcome_unknown', { retryable: true }), { code: 'outcome_unknown', retryable: true }],
    [problem(500, 'internal', { retryable: true }), { code: 'internal', retryable: true }],
    [new Response('{"message":"Forbidden"}', { status: 403 }), { code: 'forbidden', retryable: false }],
    [new Response('{"message":"Not Found"}', { status: 404 }), { code: 'not_found' }],
    [new Response('{"message":"Internal Server Error"}', { status: 500 }), { code: 'internal', retryable: true }],
    [new Response('<html>', { status: 200 }), { code: 'unexpected_answer' }],
    [new Response('', { status: 302, headers: { Location: '/login' } }), { code: 'unexpected_answer', status: 302 }],
  ] as const) {
    const { client, sent } = clientWith([reply]);
    await expect(client.renew('orders', fence, {})).rejects.toMatchObject({ name: 'TenureError', ...expected });
    expect(sent).toHaveLength(1);
  }
});

test('pauses grow with jitter, are as long as the service asks, and end at the deadline', async () => {
  const busy = (seconds?: number) =>
    new Response('', { status: 429, headers: seconds === undefined ? {} : { 'Retry-After': String(seconds) } });
  const { client, time, sent } = clientWith([busy(), busy(), busy(), busy(3), ...Array(50).fill('silence')]);
  const call = client.renew('orders', fence, {}, { deadlineMs: 10_000, timeoutMs: 2_000 });
  const outcome = expect(call).rejects.toMatchObject({ code: 'unreachable', status: 0, retryable: true });
  await time.advance(60_000);
  await outcome;
  // 100, 200, 400 ms; then 3 s and 800 ms; then a try of 2 s, and 1.6 s later one that the deadline cuts short.
  expect(sent.map(({ at }) => at)).toEqual([0, 100, 300, 700, 4_500, 8_100]);
  expect(time.pendingTimers).toBe(0);
});

test('the retries of a client share a budget, and a renewal does not wait for it', async () => {
  const busy = () => new Response('', { status: 429 });
  const { client, time, sent } = clientWith(Array.from({ length: 5_000 }, busy));
  const renewals = () => sent.filter(({ url }) => url.endsWith('/renew')).map(({ at }) => at);
  const calls = Array.from({ length: 200 }, () => client.observe('orders', { deadlineMs: 10_000 }));
  const outcomes = Promise.allSettled(calls);
  await time.advance(100);
  // 200 first tries, then 100 at once; the others 50 ms apart, two of them within the pause that all make.
  expect(sent).toHaveLength(200 + 100 + 2);
  const renewal = client.renew('orders', fence, {}, { deadlineMs: 2_000 });
  renewal.catch(() => {});
  await time.advance(1_000);
  expect(renewals()).toEqual([100, 200, 400, 800]);
  expect(sent.length - renewals().length).toBeLessThanOrEqual(200 + 100 + 22);
  await time.advance(30_000);
  // However many wait: the deadline ends what would wait for longer.
  expect((await outcomes).every(({ status }) => status === 'rejected')).toBe(true);
  expect(sent.length - renewals().length).toBeLessThanOrEqual(200 + 100 + 10 * 20);
  expect(time.pendingTimers).toBe(0);
});

test('while calls succeed, nothing waits for the budget', async () => {
  const replies = Array.from({ length: 400 }, (_, at) =>
    at % 2 === 0 ? problem(503, 'unavailable') : Response.json({ items: [] }),
  );
  const { client, time, sent } = clientWith(replies);
  for (let call = 0; call < 200; call += 1) {
    const answered = client.call(groups, { query: {} });
    await time.advance(100);
    await answered;
  }
  expect(sent).toHaveLength(400);
  expect(sent.at(-1)?.at).toBe(200 * 100);
});

test('a slow first answer is waited for, whatever the deadline for more tries', async () => {
  const { client, time } = clientWith(['silence']);
  const call = client.renew('orders', fence, {}, { deadlineMs: 1_000, timeoutMs: 3_000 });
  const outcome = expect(call).rejects.toThrow('no answer within 3000 ms');
  await time.advance(2_999);
  expect(time.pendingTimers).toBe(1);
  await time.advance(1);
  await outcome;
});

test('a single try when asked for; the last error is thrown', async () => {
  const { client, sent } = clientWith([new Error('connect ECONNREFUSED 127.0.0.1:8787')]);
  await expect(client.renew('orders', fence, {}, { retry: false })).rejects.toThrow(
    'http://host:8787 cannot be reached (connect ECONNREFUSED 127.0.0.1:8787)',
  );
  expect(sent).toHaveLength(1);
});

test('a signal ends a request under way, and a pause between two', async () => {
  for (const replies of [['silence'], [new Error('refused')]] as Reply[][]) {
    const { client, time, sent } = clientWith(replies);
    const stop = new AbortController();
    const call = client.renew('orders', fence, {}, { signal: stop.signal });
    const outcome = expect(call).rejects.toThrow('enough');
    await time.advance(10);
    stop.abort(new Error('enough'));
    await outcome;
    expect(sent).toHaveLength(1);
    expect(time.pendingTimers).toBe(0);
  }
  const { client, sent } = clientWith([]);
  await expect(client.renew('orders', fence, {}, { signal: AbortSignal.abort(new Error('enough')) })).rejects.toThrow(
    'enough',
  );
  expect(sent).toEqual([]);
});

test('lists come page by page', async () => {
  const item = (group: string) => ({ group, fencingVersion: 1, leader: null, pending: false });
  const { client, sent } = clientWith([
    Response.json({ items: [item('a'), item('b')], nextCursor: 'next page' }),
    Response.json({ items: [item('c')] }),
  ]);
  const found: string[] = [];
  for await (const { group } of client.items(groups, { query: { limit: 2 } })) found.push(group);
  expect(found).toEqual(['a', 'b', 'c']);
  expect(sent.map(({ url }) => url.split('?')[1])).toEqual(['limit=2', 'limit=2&cursor=next+page']);
});

test('with credentials every try is signed for API Gateway, with fresh ones', async () => {
  const asked: number[] = [];
  const { client, time, sent } = clientWith([new Response('', { status: 503 }), renewed()], {
    url: 'https://abc123.execute-api.eu-west-1.amazonaws.com',
    credentials: () => ({ accessKeyId: `AKID${asked.push(1)}`, secretAccessKey: 'secret', sessionToken: 'token' }),
  });
  const call = client.renew('orders', fence, {});
  // Signing takes time of its own, in which the clock must not move: the credentials would come too late.
  await vi.waitFor(() => expect(sent).toHaveLength(1));
  await time.advance(2_000);
  await vi.waitFor(() => expect(sent).toHaveLength(2));
  await call;
  expect(sent.map(({ headers }) => headers.get('authorization'))).toEqual(
    ['AKID1', 'AKID2'].map((id) =>
      expect.stringMatching(
        new RegExp(`^AWS4-HMAC-SHA256 Credential=${id}/20261101/eu-west-1/execute-api/aws4_request, `),
      ),
    ),
  );
  expect(sent[0]?.headers.get('x-amz-security-token')).toBe('token');
  const signed = /SignedHeaders=([^,]+)/.exec(sent[0]?.headers.get('authorization') ?? '')?.[1]?.split(';');
  expect(signed).toEqual(expect.arrayContaining(['fencing-version', 'host', 'leader-session']));
});

test('credentials that do not come are waited for as long as an answer, and until the signal', async () => {
  const credentials = () => new Promise<never>(() => {});
  const signing = { url: 'https://abc123.execute-api.eu-west-1.amazonaws.com', credentials };
  const { client, time, sent } = clientWith([], signing);
  const late = client.renew('orders', fence, {}, { timeoutMs: 3_000, retry: false });
  const outcome = expect(late).rejects.toMatchObject({ code: 'unreachable', retryable: true });
  await time.advance(3_000);
  await outcome;
  await expect(late).rejects.toThrow(/^There are no credentials .* \(no answer within 3000 ms\)/);

  const stop = new AbortController();
  const stopped = expect(client.renew('orders', fence, {}, { signal: stop.signal })).rejects.toThrow('enough');
  await time.advance(10);
  stop.abort(new Error('enough'));
  await stopped;
  expect(sent).toEqual([]);
  expect(time.pendingTimers).toBe(0);
});

test.each([
  ['rejects', () => Promise.reject(new Error('the session has expired'))],
  [
    'throws',
    () => {
      throw new Error('the session has expired');
    },
  ],
])('a provider of credentials that %s is what the error tells of, not the address', async (_, credentials) => {
  const url = 'https://abc123.execute-api.eu-west-1.amazonaws.com';
  const { client, sent } = clientWith([], { url, credentials });
  const call = client.renew('orders', fence, {}, { retry: false });
  await expect(call).rejects.toMatchObject({ code: 'unreachable', cause: { message: 'the session has expired' } });
  await expect(call).rejects.toThrow(
    `There are no credentials to sign requests to ${url} with (the session has expired): `,
  );
  expect(sent).toEqual([]);
});

test('an address that is none, and a region that nobody can know, are refused', () => {
  expect(() => new TenureClient({ url: 'nope' })).toThrow(TypeError);
  const credentials = () => ({ accessKeyId: 'a', secretAccessKey: 'b' });
  expect(() => new TenureClient({ url: 'https://tenure.example.com', credentials })).toThrow(
    'Cannot infer the AWS Region',
  );
  expect(() => new TenureClient({ url: 'https://tenure.example.com', credentials, region: 'us-east-1' })).not.toThrow();
});
