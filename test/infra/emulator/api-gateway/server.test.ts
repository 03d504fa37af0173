import { afterEach, expect, test } from 'vitest';
import { json } from '../../../../emulator/api-gateway/answer.ts';
import type { Route } from '../../../../emulator/api-gateway/route-table.ts';
import { type Gateway, startGateway } from '../../../../emulator/api-gateway/server.ts';
import type { Outcome } from '../../../../emulator/lambda/function.ts';
import type { FunctionHost } from '../../../../emulator/lambda/host.ts';
import { PortInUseError } from '../../../../emulator/listener.ts';

const route: Route = {
  key: 'ANY /work',
  method: 'ANY',
  segments: ['work'],
  functionName: 'worker',
  authorization: 'NONE',
  timeoutMs: 100,
};
const door = { hosts: [], token: 'the token' };
const headers = { 'tenure-local-token': door.token, 'content-type': 'application/json' };
const started: Gateway[] = [];
afterEach(async () => {
  for (const gateway of started.splice(0)) await gateway.stop();
});

async function gatewayOver(invoke: () => Promise<Outcome>) {
  const gateway = await startGateway(0, door, (method, path) =>
    path === '/known' ? json(200, { method }) : undefined,
  );
  started.push(gateway);
  const host: Pick<FunctionHost, 'invoke'> = { invoke: async () => ({ ...(await invoke()), requestId: 'r' }) };
  return {
    gateway,
    api: `http://127.0.0.1:${gateway.port}`,
    serve: () => gateway.serve([route], host as FunctionHost),
  };
}

const answering = async (): Promise<Outcome> => ({ payload: JSON.stringify({ statusCode: 200, body: 'done' }) });

test('a request before the stack is up is told so', async () => {
  const { api, serve } = await gatewayOver(answering);
  const early = await fetch(`${api}/work`);
  expect([early.status, await early.json()]).toEqual([503, { message: 'Service Unavailable' }]);
  serve();
  expect(await (await fetch(`${api}/work`)).text()).toBe('done');
});

test('a function that outlasts the integration is not waited for', async () => {
  let finish: (outcome: Outcome) => void = () => {};
  const { api, serve } = await gatewayOver(() => new Promise((resolve) => (finish = resolve)));
  serve();
  const late = await fetch(`${api}/work`);
  expect([late.status, await late.json()]).toEqual([503, { message: 'Service Unavailable' }]);
  finish(await answering());
});

test.each([
  ['Sandbox.Timedout', 503],
  ['Runtime.ExitError', 500],
  ['TypeError', 500],
])('the outcome %s is %i without a word of the function', async (errorType, status) => {
  const { api, serve } = await gatewayOver(async () => ({ error: { errorType, errorMessage: 'secret' } }));
  serve();
  const answer = await fetch(`${api}/work`);
  expect(answer.status).toBe(status);
  expect(await answer.text()).not.toContain('secret');
});

test.each([
  ['{"a":1}', 200, 'application/json', '{"a":1}'],
  ['"text"', 200, 'application/json', 'text'],
  ['null', 200, 'application/json', 'null'],
  ['{"statusCode":202}', 202, 'text/plain;charset=UTF-8', ''],
  ['{"statusCode":204,"headers":{"X-A":1}}', 204, 'text/plain;charset=UTF-8', ''],
  [
    '{"statusCode":"200","headers":{"Content-Type":"text/html","content-length":"9"},"body":"<p>"}',
    200,
    'text/html',
    '<p>',
  ],
  ['{"statusCode":200,"body":{"not":"text"}}', 500, 'application/json', '{"message":"Internal Server Error"}'],
  ['{"statusCode":99}', 500, 'application/json', '{"message":"Internal Server Error"}'],
])('the result %s is read as payload format 2.0', async (payload, status, type, body) => {
  const { api, serve } = await gatewayOver(async () => ({ payload }));
  serve();
  const answer = await fetch(`${api}/work`);
  expect([answer.status, answer.headers.get('content-type'), await answer.text()]).toEqual([status, type, body]);
});

test('local paths are separate from the API, and a malformed path is no route', async () => {
  const { api, serve } = await gatewayOver(answering);
  serve();
  expect(await (await fetch(`${api}/_local/known`, { method: 'PUT', headers })).json()).toEqual({ method: 'PUT' });
  expect((await fetch(`${api}/_local/unknown`, { headers })).status).toBe(404);
  expect((await fetch(`${api}/%E0%A4%A`)).status).toBe(400);
  expect((await fetch(`${api}/_local/inject`, { method: 'PUT', headers, body: '{' })).status).toBe(400);
});

test('a port that is taken is a named error', async () => {
  const { gateway } = await gatewayOver(answering);
  await expect(startGateway(gateway.port, door, () => undefined)).rejects.toThrow(PortInUseError);
});

test('the stop lets a request in flight finish', async () => {
  let finish: (outcome: Outcome) => void = () => {};
  let reached: () => void = () => {};
  const running = new Promise<void>((resolve) => (reached = resolve));
  const { gateway, api, serve } = await gatewayOver(() => {
    reached();
    return new Promise((resolve) => (finish = resolve));
  });
  serve();
  const inFlight = fetch(`${api}/work`);
  await running;
  const stopped = gateway.stop();
  finish(await answering());
  expect(await (await inFlight).text()).toBe('done');
  await stopped;
  await expect(fetch(`${api}/work`)).rejects.toThrow('fetch failed');
});
