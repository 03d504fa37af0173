import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import express from 'express';
import fastify from 'fastify';
import { Hono } from 'hono';
import { afterAll, describe, expect, test } from 'vitest';
import { memoryFenceStore } from '../../../client/fence/fence-store.ts';
import {
  expressFence,
  fastifyFence,
  fencedFetch,
  fenceGuard,
  fetchFence,
  honoFence,
} from '../../../client/fence/http.ts';

type Ask = (version: string | undefined) => Promise<Response>;

const stops: (() => Promise<unknown>)[] = [];
afterAll(() => Promise.all(stops.map((stop) => stop())));

const headersOf = (version: string | undefined) => (version === undefined ? {} : { 'fencing-version': version });
const options = () => ({ store: memoryFenceStore(), name: 'billing' });

async function serve(listener: Parameters<typeof createServer>[1]): Promise<Ask> {
  const server = createServer(listener as never).listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  stops.push(() => new Promise((resolve) => server.close(resolve)));
  const { port } = server.address() as AddressInfo;
  return (version) => fetch(`http://127.0.0.1:${port}/run`, { headers: headersOf(version) });
}

const servers: Record<string, () => Promise<Ask>> = {
  async 'a fetch handler'() {
    const guard = fetchFence(options());
    return async (version) => {
      const request = new Request('http://service/run', { headers: headersOf(version) });
      return (await guard(request)) ?? new Response('ran');
    };
  },

  async Hono() {
    const app = new Hono().use(honoFence(options())).get('/run', (context) => context.text('ran'));
    return async (version) => await app.request('/run', { headers: headersOf(version) });
  },

  Express() {
    const app = express();
    app.use(expressFence(options()) as never);
    app.get('/run', (_request, response) => {
      response.send('ran');
    });
    return serve(app);
  },

  async Fastify() {
    const app = fastify();
    app.addHook('onRequest', fastifyFence(options()) as never);
    app.get('/run', async () => 'ran');
    stops.push(() => app.close());
    const address = await app.listen({ port: 0, host: '127.0.0.1' });
    return (version) => fetch(`${address}/run`, { headers: headersOf(version) });
  },
};

describe.each(Object.entries(servers))('%s', (_name, start) => {
  test('lets versions rise, and refuses older, missing and malformed ones', async () => {
    const ask = await start();
    for (const version of ['7', '7', '9']) expect(await (await ask(version)).text()).toBe('ran');
    const refused = await ask('8');
    expect(refused.status).toBe(409);
    expect(refused.headers.get('content-type')).toMatch(/^application\/problem\+json/);
    expect(await refused.json()).toMatchObject({ code: 'fenced', yours: 8, current: 9 });
    expect((await ask(undefined)).status).toBe(428);
    for (const odd of ['0', '-1', '7.5', '1e3', '268435456', '9999999999']) expect((await ask(odd)).status).toBe(400);
    expect(await (await ask('9')).text()).toBe('ran');
  });
});

test('each name has a fence of its own, and the header may be optional', async () => {
  const guard = fenceGuard({ store: memoryFenceStore(), name: (url) => url, required: false });
  expect(await guard('9', '/a')).toBeUndefined();
  expect(await guard('7', '/b')).toBeUndefined();
  expect(await guard(undefined, '/a')).toBeUndefined();
  expect(await guard('7', '/a')).toMatchObject({ status: 409 });
});

test('the client sends the version and stops with its term', async () => {
  const term = new AbortController();
  const seen: Request[] = [];
  const send = fencedFetch({ fencingVersion: 7, signal: term.signal }, async (input) => {
    seen.push(input as Request);
    return new Response('ok');
  });
  await send('http://service/run', { method: 'POST', body: 'x', headers: { a: 'b' } });
  const [request] = seen;
  expect([request?.headers.get('fencing-version'), request?.headers.get('a'), await request?.text()]).toEqual([
    '7',
    'b',
    'x',
  ]);
  term.abort();
  expect(request?.signal.aborted).toBe(true);
});
