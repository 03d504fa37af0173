import { existsSync } from 'node:fs';
import { stat } from 'node:fs/promises';
import { createServer, request } from 'node:http';
import { join } from 'node:path';
import { DynamoDBClient, ListTablesCommand } from '@aws-sdk/client-dynamodb';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { family } from '../../support/processes.ts';
import { isLoopback, type Socket, waitingSockets } from '../../support/sockets.ts';
import { order, type RunningStack, startStack } from '../../support/stack.ts';

let stack: RunningStack;
let sockets: Socket[];
beforeAll(async () => {
  stack = await startStack({ app: 'test/infra/emulator/fixture/app.ts', schedules: false });
  expect((await fetch(`${stack.api}/echo`)).status).toBe(200);
  sockets = existsSync('/proc/net/tcp') ? waitingSockets(family(stack.pid)) : [];
});
afterAll(() => stack?.stop());

const endpoints = () => [stack.api, stack.dynamodb, stack.s3, stack.stepFunctions, stack.services];

/** Past fetch, which does not let a program choose its Host. */
function send(
  endpoint: string,
  headers: Record<string, string>,
  body = '{}',
): Promise<{ status: number; text: string }> {
  return new Promise((resolve, reject) => {
    const sent = request(endpoint, { method: 'POST', headers }, (answer) => {
      let text = '';
      answer.on('data', (chunk) => {
        text += chunk;
      });
      answer.on('end', () => resolve({ status: answer.statusCode ?? 0, text }));
    });
    sent.on('error', reject);
    sent.end(body);
  });
}

describe.runIf(existsSync('/proc/net/tcp'))('sockets', () => {
  test('the whole process tree waits on loopback only, on the five ports that stack.json names', () => {
    expect(family(stack.pid).length).toBeGreaterThan(2);
    expect(sockets.filter((socket) => !isLoopback(socket))).toEqual([]);
    const named = endpoints().map((endpoint) => Number(new URL(endpoint).port));
    expect(sockets.map(({ port }) => port).toSorted()).toEqual(named.toSorted());
  });

  test('a socket on every interface would be seen', async () => {
    const open = createServer().listen(0, '0.0.0.0');
    const both = createServer().listen(0, '::');
    await new Promise((resolve) => setImmediate(resolve));
    expect(waitingSockets([process.pid]).filter((socket) => !isLoopback(socket)).length).toBe(2);
    open.close();
    both.close();
  });
});

const json = { 'content-type': 'application/x-amz-json-1.0' };

describe('every listener refuses', () => {
  test.each<[string, Record<string, string>]>([
    ['a name that was rebound to loopback', { ...json, host: 'evil.example' }],
    ['a page', { ...json, origin: 'https://evil.example' }],
    ['a page in a sandbox', { ...json, origin: 'null' }],
    ['a page of another port', { ...json, origin: 'http://127.0.0.1:3000' }],
    ['a request that a browser marks as of another site', { ...json, 'sec-fetch-site': 'cross-site' }],
  ])('%s', async (_what, headers) => {
    for (const endpoint of endpoints()) {
      const { status, text } = await send(endpoint, headers);
      expect([endpoint, status, text]).toEqual([endpoint, 403, expect.stringMatching(/may not call|Host header/)]);
    }
  });

  test('a body whose type needs no permission of a browser', async () => {
    for (const type of ['text/plain', 'application/x-www-form-urlencoded', 'multipart/form-data; boundary=x']) {
      for (const endpoint of endpoints()) {
        const { status, text } = await send(endpoint, { 'content-type': type });
        const expected = endpoint === stack.s3 ? [403, 'AccessDenied'] : [400, 'Content-Type'];
        expect([endpoint, status, text]).toEqual([endpoint, expected[0], expect.stringContaining(`${expected[1]}`)]);
      }
    }
  });
});

describe('secrets of the stack', () => {
  test('orders need its token', async () => {
    const path = `${stack.api}/_local/inject`;
    const init = { method: 'PUT', headers: { 'content-type': 'application/json' }, body: '[]' };
    expect((await fetch(path, init)).status).toBe(403);
    const wrong = { ...init.headers, 'tenure-local-token': `${stack.localToken}x` };
    expect((await fetch(path, { ...init, headers: wrong })).status).toBe(403);
    expect((await order(stack, 'inject', [])).status).toBe(200);
  });

  test('without its access key nobody sees its tables', async () => {
    const tablesOf = async (accessKeyId: string) => {
      const credentials = { accessKeyId, secretAccessKey: 'guessed' };
      const client = new DynamoDBClient({ endpoint: stack.dynamodb, region: stack.region, credentials });
      const { TableNames } = await client.send(new ListTablesCommand({}));
      client.destroy();
      return TableNames;
    };
    expect(await tablesOf('local')).toEqual([]);
    expect(await tablesOf(stack.credentials.accessKeyId)).toContain(stack.table);
  });

  test('lie in files that only their owner reads', async () => {
    for (const file of ['stack.json', 'credentials.json'])
      expect((await stat(join(stack.folder, file))).mode & 0o077, file).toBe(0);
  });
});
