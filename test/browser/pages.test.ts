/** Web pages in a real browser against a stack with a leader, as they would be open on a developer's machine. */
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, beforeEach, describe, expect, inject, test } from 'vitest';
import { TenureClient } from '../../client/index.ts';
import { startBrowser } from '../support/chromium.ts';
import type { StackDescription } from '../support/stack.ts';

let stack: StackDescription;
let browser: Browser;
let site: Server;
let client: TenureClient;
let group = '';
let groups = 0;

beforeAll(async () => {
  site = createServer((_request, response) => response.setHeader('content-type', 'text/html').end('<p>a page'));
  await new Promise<void>((resolve) => void site.listen(0, '127.0.0.1', resolve));
  stack = inject('stack');
  browser = await startBrowser();
  client = new TenureClient({ url: stack.api });
});
afterAll(async () => {
  await browser?.close();
  site?.close();
});

/** A group that is led for the whole test. */
beforeEach(async () => {
  groups += 1;
  group = `visited-${groups}`;
  const fence = await client.contend(group, { contenderId: 'leader', leaseMs: 600_000 });
  await client.confirm(group, fence, { address: 'leader:1' });
});

const leads = async () => (await client.observe(group, { consistent: true })).leader?.contenderId === 'leader';
const revocation = () => ({
  path: `/v1/groups/${group}/leadership/revoke`,
  body: JSON.stringify({ fencingVersion: 1, reason: 'by a page', force: true }),
});

async function pageAt(url: string, content = '<p>a page'): Promise<Page> {
  const page = await browser.newPage();
  // The page that the attacker's server would serve under that name before the name points here.
  await page.route(url, (route) => route.fulfill({ contentType: 'text/html', body: content }));
  await page.goto(url);
  return page;
}

/** As a page's script sends it; the status, or what the browser said. */
function sendFrom(page: Page, url: string, init: RequestInit): Promise<number | string> {
  return page.evaluate(
    ([address, options]) =>
      fetch(address, options).then(
        ({ status }) => status,
        (cause: unknown) => String(cause),
      ),
    [url, init] as const,
  );
}

describe('a page of another site', () => {
  const port = () => (site.address() as AddressInfo).port;
  const addresses = () => ['127.0.0.1', 'localhost'].map((name) => stack.api.replace('127.0.0.1', name));

  test('revokes no leader by a body of a type that needs no permission', async () => {
    const page = await pageAt(`http://attacker.example:${port()}/`);
    const { path, body } = revocation();
    for (const api of addresses()) {
      for (const type of ['text/plain', 'application/x-www-form-urlencoded']) {
        const headers = { 'content-type': type };
        expect(await sendFrom(page, api + path, { method: 'POST', mode: 'no-cors', headers, body })).toBe(0);
        expect(await sendFrom(page, api + path, { method: 'POST', headers, body })).toMatch(/Failed to fetch/);
      }
      const untyped = await page.evaluate(
        ([url, text]) =>
          fetch(url, { method: 'POST', mode: 'no-cors', body: new Blob([text]) }).then((one) => one.type),
        [api + path, body] as const,
      );
      expect(untyped).toBe('opaque');
      expect(await page.evaluate(`navigator.sendBeacon('${api}${path}', '${body}')`)).toBe(true);
    }
    expect(await leads()).toBe(true);
  });

  test('revokes no leader by a form', async () => {
    const { path, body } = revocation();
    const [name = '', value = ''] = body.replaceAll('"', '&quot;').split(/(?<=reason&quot;:&quot;)/);
    const form = `<form method=post enctype=text/plain action="${stack.api}${path}"><input name="${name}" value="${value}"><button>`;
    const page = await pageAt(`http://attacker.example:${port()}/`, form);
    await page.click('button');
    await page.waitForURL(/revoke/);
    expect(await page.textContent('body')).toContain('forbidden');
    expect(await leads()).toBe(true);
  });

  test('gets no answer of any listener to what needs permission', async () => {
    const page = await pageAt(`http://attacker.example:${port()}/`);
    const json = { 'content-type': 'application/json' };
    const aws = { 'content-type': 'application/x-amz-json-1.0', 'x-amz-target': 'DynamoDB_20120810.ListTables' };
    const { path, body } = revocation();
    expect(await sendFrom(page, stack.api + path, { method: 'POST', headers: json, body })).toMatch(/Failed to fetch/);
    for (const endpoint of [stack.dynamodb, stack.stepFunctions, stack.services, stack.s3])
      expect(await sendFrom(page, endpoint, { method: 'POST', headers: aws, body: '{}' })).toMatch(/Failed to fetch/);
    const order = { method: 'PUT', headers: json, body: '{"status":503,"times":9}' };
    expect(await sendFrom(page, `${stack.api}/_local/inject`, order)).toMatch(/Failed to fetch/);
    expect(await leads()).toBe(true);
  });

  test('reads nothing by an image, a frame or a script', async () => {
    const outcomes = new Map<string, number | string>();
    const context = await browser.newContext();
    const url = (element: string) => `${stack.api}/v1/groups?by=${element}`;
    context.on('requestfailed', (request) => outcomes.set(request.url(), request.failure()?.errorText ?? ''));
    context.on('response', (response) => outcomes.set(response.url(), response.status()));
    const page = await context.newPage();
    const elements = `<img src="${url('img')}"><iframe src="${url('frame')}"></iframe><script src="${url('script')}"></script>`;
    const address = `http://attacker.example:${port()}/`;
    await page.route(address, (route) => route.fulfill({ contentType: 'text/html', body: elements }));
    await page.goto(address, { waitUntil: 'load' });
    const refused = (element: string) => expect([403, 'net::ERR_BLOCKED_BY_ORB']).toContain(outcomes.get(url(element)));
    for (const element of ['img', 'frame', 'script']) refused(element);
    expect(outcomes.get(url('frame'))).toBe(403);
    await context.close();
  });
});

describe('a page whose name was rebound to loopback', () => {
  test('is of the same origin as each listener, and refused by each', async () => {
    for (const endpoint of [stack.api, stack.dynamodb, stack.s3, stack.stepFunctions, stack.services]) {
      const origin = `http://rebound.example:${new URL(endpoint).port}`;
      const page = await pageAt(`${origin}/attack`);
      for (const method of ['GET', 'POST', 'PUT']) {
        const body = method === 'GET' ? {} : { headers: { 'content-type': 'application/x-amz-json-1.0' }, body: '{}' };
        expect([origin, method, await sendFrom(page, `${origin}/`, { method, ...body })]).toEqual([
          origin,
          method,
          403,
        ]);
      }
      await page.close();
    }
  });

  test('revokes no leader and orders nothing', async () => {
    const origin = `http://rebound.example:${new URL(stack.api).port}`;
    const page = await pageAt(`${origin}/attack`);
    const headers = { 'content-type': 'application/json' };
    const { path, body } = revocation();
    expect(await sendFrom(page, origin + path, { method: 'POST', headers, body })).toBe(403);
    expect(await sendFrom(page, `${origin}/_local/inject`, { method: 'PUT', headers, body: '[]' })).toBe(403);
    expect(await leads()).toBe(true);
  });
});

test('a page that the API itself serves may call it: these tests would see a success', async () => {
  const page = await pageAt(`${stack.api}/page`);
  const headers = { 'content-type': 'application/json' };
  const { path, body } = revocation();
  expect(await sendFrom(page, stack.api + path, { method: 'POST', headers, body })).toBe(200);
  expect(await leads()).toBe(false);
});
