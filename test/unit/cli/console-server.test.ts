/** The console's server before an API that writes down what reaches it. */
import { createServer, request, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { PageFile } from '../../../cli/console/page.ts';
import { readPage } from '../../../cli/console/page.ts';
import { type RunningConsole, startConsole } from '../../../cli/console/server.ts';
import { UsageError } from '../../../cli/exit.ts';
import { systemTime } from '../../../client/time.ts';

interface Received {
  readonly method: string;
  readonly url: string;
  readonly headers: Readonly<Record<string, unknown>>;
  readonly body: string;
}

let api: Server;
let received: Received[] = [];
let running: RunningConsole;
let signed: RunningConsole;
const page = new Map<string, PageFile>([
  ['/index.html', { type: 'text/html; charset=utf-8', content: Buffer.from('<p>the page') }],
]);

beforeAll(async () => {
  api = createServer(async (incoming, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of incoming) chunks.push(chunk as Buffer);
    const { method = '', url = '', headers } = incoming;
    received.push({ method, url, headers, body: Buffer.concat(chunks).toString() });
    response.writeHead(200, { 'content-type': 'application/json', 'set-cookie': 'a=b', 'retry-after': '1' });
    response.end('{"items":[]}');
  });
  await new Promise<void>((resolve) => void api.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(api.address() as AddressInfo).port}`;
  const transport = { fetch: globalThis.fetch, time: systemTime };
  running = await startConsole({ upstream: { url, transport }, page, port: 0, label: 'here' });
  const credentials = () => ({ accessKeyId: 'AKIDEXAMPLE', secretAccessKey: 'secret' });
  const signing = { region: 'eu-west-1', credentials };
  signed = await startConsole({ upstream: { url, transport: { ...transport, signing } }, page, port: 0, label: 'aws' });
});
afterAll(async () => {
  await Promise.all([running.stop(), signed.stop()]);
  api.close();
});
beforeEach(() => {
  received = [];
});

interface Sent {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  readonly to?: RunningConsole;
}

/** fetch() would not send a Host or an Origin of our choice. */
function send(path: string, { method = 'GET', headers = {}, body, to = running }: Sent = {}) {
  const { port, host } = new URL(to.address);
  return new Promise<{ status: number; headers: Record<string, unknown>; text: string }>((resolve, reject) => {
    const sent = request({ host: '127.0.0.1', port, method, path, headers: { host, ...headers } }, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('end', () => {
        const text = Buffer.concat(chunks).toString();
        resolve({ status: response.statusCode ?? 0, headers: response.headers, text });
      });
    });
    sent.on('error', reject).end(body);
  });
}

async function key(to = running): Promise<Record<string, string>> {
  const { pathname, search } = new URL(to.address);
  const { headers } = await send(pathname + search, { to });
  return { cookie: String(headers['set-cookie']).split(';')[0] ?? '' };
}

describe('the door', () => {
  test('opens with the printed address, which leads to the page without the token in it', async () => {
    const { pathname, search } = new URL(running.address);
    const entered = await send(pathname + search);
    expect(entered).toMatchObject({ status: 303, headers: { location: '/' } });
    expect(String(entered.headers['set-cookie'])).toMatch(/; HttpOnly; SameSite=Lax$/);
    expect(await send('/', { headers: await key() })).toMatchObject({ status: 200, text: '<p>the page' });
  });

  test('is shut to everybody else on the machine', async () => {
    for (const path of ['/', '/index.html', '/api/v1/groups', '/about.json']) {
      expect((await send(path)).status, path).toBe(401);
    }
    expect((await send('/?token=guess')).status).toBe(401);
    const [name] = (await key())['cookie']?.split('=') ?? [];
    expect((await send('/api/v1/groups', { headers: { cookie: `${name}=guess` } })).status).toBe(401);
    expect((await send('/api/v1/groups', { headers: await key(signed) })).status).toBe(401);
    expect(received).toEqual([]);
  });

  test.each([
    ['a foreign Host', { host: 'rebound.example' }],
    ['a foreign Origin', { origin: 'https://attacker.example' }],
    ['a request of another site', { 'sec-fetch-site': 'cross-site', 'sec-fetch-dest': 'empty' }],
    ['another port of this machine', { 'sec-fetch-site': 'same-site', 'sec-fetch-dest': 'empty' }],
    ['a form', { 'content-type': 'text/plain', 'content-length': '2' }],
  ])('refuses %s, though it has the key', async (_, headers) => {
    const method = 'content-type' in headers ? 'POST' : 'GET';
    const body = method === 'POST' ? { body: '{}' } : {};
    const refused = await send('/api/v1/groups', { method, headers: { ...(await key()), ...headers }, ...body });
    expect([400, 403]).toContain(refused.status);
    expect(received).toEqual([]);
  });
});

describe('the page', () => {
  test('may run, load and send nothing but its own', async () => {
    const { headers } = await send('/', { headers: await key() });
    expect(headers).toMatchObject({ 'x-content-type-options': 'nosniff', 'referrer-policy': 'no-referrer' });
    const policy = String(headers['content-security-policy']);
    expect(policy).toContain("default-src 'none'; script-src 'self'; style-src 'self'");
    expect(policy).not.toMatch(/unsafe|https?:|\*|data:/);
  });

  test('is named when it has not been built', async () => {
    await expect(readPage(['/nowhere'])).rejects.toThrow('npm run console:build');
  });

  test('no other file is served', async () => {
    for (const path of ['/../package.json', '/%2e%2e/package.json', '/console.ts']) {
      expect((await send(path, { headers: await key() })).status, path).toBe(404);
    }
  });
});

describe('the API behind it', () => {
  test('gets what an operator asks, with its query, body and idempotency key, and nothing of the browser', async () => {
    const headers = {
      ...(await key()),
      'content-type': 'application/json',
      'idempotency-key': 'k1',
      'user-agent': 'x',
    };
    const answer = await send('/api/v1/groups?limit=9', { headers: await key() });
    expect(answer).toMatchObject({ status: 200, text: '{"items":[]}', headers: { 'retry-after': '1' } });
    expect(answer.headers).not.toHaveProperty('set-cookie');
    await send('/api/v1/groups/orders/leadership/revoke', { method: 'POST', headers, body: '{"dryRun":true}' });
    const [read, revoked] = received;
    expect(read).toMatchObject({ method: 'GET', url: '/v1/groups?limit=9' });
    expect(revoked).toMatchObject({ method: 'POST', body: '{"dryRun":true}', headers: { 'idempotency-key': 'k1' } });
    expect(read?.headers).not.toHaveProperty('cookie');
    expect(read?.headers).not.toHaveProperty('authorization');
  });

  test('gets signed requests where it wants them', async () => {
    await send('/api/v1/groups', { headers: await key(signed), to: signed });
    expect(received[0]?.headers['authorization']).toMatch(
      /^AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE\/\d{8}\/eu-west-1\/execute-api\/aws4_request/,
    );
  });

  test('is reached by no other path, and with no fence', async () => {
    const headers = { ...(await key()), 'fencing-version': '7', 'leader-session': 'x' };
    for (const path of ['/api/_local/inject', '/api/v1/openapi.json', '/api/v1/groups/../../_local/x']) {
      expect((await send(path, { headers })).status, path).toBe(404);
    }
    expect((await send('/api/v1/groups', { method: 'PATCH', headers })).status).toBe(404);
    await send('/api/v1/groups', { headers });
    expect(received).toHaveLength(1);
    expect(received[0]?.headers).not.toHaveProperty('fencing-version');
  });

  test('gets no body that is larger than any of the page', async () => {
    const headers = { ...(await key()), 'content-type': 'application/json' };
    const body = JSON.stringify({ reason: 'x'.repeat(70_000) });
    expect((await send('/api/v1/groups/o/backups', { method: 'POST', headers, body })).status).toBe(413);
    expect(received).toEqual([]);
  });

  test('that cannot be reached is a problem of its own', async () => {
    const transport = { fetch: globalThis.fetch, time: systemTime };
    const alone = await startConsole({ upstream: { url: 'http://127.0.0.1:1', transport }, page, port: 0, label: '' });
    const answer = await send('/api/v1/groups', { headers: await key(alone), to: alone });
    expect({ status: answer.status, ...JSON.parse(answer.text) }).toMatchObject({
      status: 502,
      code: 'unreachable',
      detail: expect.stringContaining('http://127.0.0.1:1 cannot be reached'),
    });
    await alone.stop();
  });
});

/** One event of the group, a duplicate of it, and one of another. */
const happened = (group: string, id: string) => ({
  'detail-type': 'Leadership Confirmed',
  source: 'tenure',
  time: new Date().toISOString(),
  detail: { id, group, at: new Date().toISOString(), contenderId: 'b' },
});

test('the events of one group are streamed, each once', async () => {
  const transport = { fetch: globalThis.fetch, time: systemTime };
  const events = {
    async *events() {
      yield* [happened('orders', '1'), happened('orders', '1'), happened('other', '2'), happened('orders', '3')];
    },
  };
  const streaming = await startConsole({ upstream: { url: 'http://x', transport }, page, port: 0, label: '', events });
  expect((await send('/events?group=orders', { to: streaming })).status).toBe(401);
  const { headers, text } = await send('/events?group=orders', { to: streaming, headers: await key(streaming) });
  expect(headers['content-type']).toBe('text/event-stream');
  const sent = text
    .trim()
    .split('\n\n')
    .map((line) => JSON.parse(line.replace('data: ', '')));
  expect(sent.map(({ id, type }) => [id, type])).toEqual([
    ['1', 'Leadership Confirmed'],
    ['3', 'Leadership Confirmed'],
  ]);
  await streaming.stop();
});

test('a port in use is refused when it was asked for', async () => {
  const { port } = new URL(running.address);
  const transport = { fetch: globalThis.fetch, time: systemTime };
  const again = startConsole({ upstream: { url: 'http://x', transport }, page, port: Number(port), label: '' });
  await expect(again).rejects.toThrow(UsageError);
});
