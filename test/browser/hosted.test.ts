/** The page as a team hosts it: the built files on a plain server below a path, its own proxy at `api/`. */
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { extname, join } from 'node:path';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { TenureClient } from '../../client/index.ts';
import { buildConsole } from '../../console/build.mjs';
import { startBrowser } from '../support/chromium.ts';
import { ledGroups } from '../support/console/scene.ts';
import { type ApiDoor, doorBefore } from '../support/console/served.ts';

let folder: string;
let door: ApiDoor;
let site: Server;
let browser: Browser;

const types: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.json': 'application/json',
};
/** As docs/console.md gives it. */
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'";
const base = '/tenure/';

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tenure-page-'));
  door = await doorBefore(inject('stack').api);
  [browser] = await Promise.all([startBrowser(), buildConsole(folder)]);
  await ledGroups(new TenureClient({ url: inject('stack').api }), ['hosted']);
  site = createServer(async (request, response) => {
    const path = new URL(request.url ?? '', 'http://site').pathname;
    if (path.startsWith(`${base}api/`)) {
      // A signing proxy stands here.
      const answer = await fetch(door.url + (request.url ?? '').slice(`${base}api`.length));
      response.writeHead(answer.status, { 'content-type': 'application/json' }).end(await answer.text());
      return;
    }
    const name = path === base ? 'index.html' : path.slice(base.length);
    const content =
      name === 'about.json'
        ? Buffer.from('{"label":"a team of ours"}')
        : await readFile(join(folder, name)).catch(() => undefined);
    const headers = { 'content-type': types[extname(name)] ?? 'text/plain', 'content-security-policy': policy };
    response.writeHead(content && path.startsWith(base) ? 200 : 404, headers).end(content);
  });
  await new Promise<void>((resolve) => void site.listen(0, '127.0.0.1', resolve));
});
afterAll(async () => {
  await browser?.close();
  site?.close();
  site?.closeAllConnections();
  door?.close();
  await rm(folder, { recursive: true, force: true });
});

test('the built files work below any path, with the policy of the documentation and nothing of the CLI', async () => {
  const page = await (await browser.newContext()).newPage();
  const errors: string[] = [];
  page.on('console', (message) => {
    // The server keeps no events, which is no error of the page.
    if (message.type() === 'error' && !message.location().url.includes('/events?')) errors.push(message.text());
  });
  page.on('pageerror', (error) => errors.push(error.message));
  await page.goto(`http://127.0.0.1:${(site.address() as AddressInfo).port}${base}`);
  await page.waitForSelector('[data-group=hosted]');
  expect(await page.locator('.label').innerText()).toBe('a team of ours');
  await page.click('[data-group=hosted] a');
  await page.waitForSelector('.leader-name >> text=worker-1');
  await page.waitForSelector('.chart');
  expect(await page.locator('.part-events').count()).toBe(0);
  expect(errors).toEqual([]);
  await page.context().close();
});
