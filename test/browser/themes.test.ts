/** The console in both themes: what axe says, and windows of both ends. */
import { dirname } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { TenureClient } from '../../client/index.ts';
import { startBrowser } from '../support/chromium.ts';
import { type Opened, openPage, picture, violations } from '../support/console/page.ts';
import { busyGroup, type Contender } from '../support/console/scene.ts';
import { type ServedConsole, serveConsole } from '../support/console/served.ts';

let browser: Browser;
let served: ServedConsole;
let contenders: Contender[] = [];

beforeAll(async () => {
  const stack = inject('stack');
  browser = await startBrowser();
  const serving = serveConsole(stack.api, dirname(stack.eventsFile));
  contenders = await busyGroup(new TenureClient({ url: stack.api }), 'invoices');
  served = await serving;
});
afterAll(async () => {
  await Promise.all(contenders.map(({ elector }) => elector.close().catch(() => {})));
  await browser?.close();
  await served?.stop();
});

function open(route = '', opened: Opened = {}): Promise<Page> {
  return openPage(browser, served.address + route, opened);
}

describe.each(['dark', 'light'] as const)('in the %s theme', (scheme) => {
  test('axe finds nothing on the overview, on a group and in a dialog', async () => {
    const page = await open('', { scheme });
    await page.waitForSelector('.row');
    expect(await violations(page)).toEqual([]);
    await page.evaluate(() => {
      location.hash = '#/groups/invoices';
    });
    await page.waitForSelector('.plot canvas');
    await page.waitForSelector('.backups li');
    expect(await violations(page)).toEqual([]);
    await page.click('text=Revoke…');
    await page.waitForSelector('.dry-run >> text=Would end');
    expect(await violations(page)).toEqual([]);
    if (scheme === 'light') {
      await page.keyboard.press('Escape');
      await page.evaluate(() => (document.activeElement as HTMLElement | null)?.blur());
      await picture(page, 'console-group-light');
    }
    await page.context().close();
  });

  test.each([360, 2_560])('nothing lies outside a window of %i pixels', async (width) => {
    const page = await open('', { scheme, width, height: 900 });
    await page.waitForSelector('.row');
    const overflow = () =>
      page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
    expect(await overflow()).toBe(0);
    await page.evaluate(() => {
      location.hash = '#/groups/invoices';
    });
    await page.waitForSelector('.backups li');
    await page.waitForSelector('.plot canvas');
    expect(await overflow()).toBe(0);
    await page.context().close();
  });
});
