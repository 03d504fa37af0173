/** The console in a real browser, before a stack in which things happen. */

import { dirname } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, inject, test, vi } from 'vitest';
import { listBackups } from '../../api/operations/backups.ts';
import { groups } from '../../api/operations/leadership.ts';
import { TenureClient } from '../../client/index.ts';
import { startBrowser } from '../support/chromium.ts';
import { type Opened, openPage, type PageRequest, picture, requestsOf } from '../support/console/page.ts';
import { busyGroup, type Contender, contender, jobWithCheckpoints, ledGroups } from '../support/console/scene.ts';
import { type ApiDoor, doorBefore, type ServedConsole, serveConsole } from '../support/console/served.ts';

let browser: Browser;
let door: ApiDoor;
let served: ServedConsole;
let client: TenureClient;
const contenders: Contender[] = [];

beforeAll(async () => {
  const stack = inject('stack');
  browser = await startBrowser();
  client = new TenureClient({ url: stack.api });
  door = await doorBefore(stack.api);
  const serving = serveConsole(door.url, dirname(stack.eventsFile));
  const first = 'billing catalog checkout-eu checkout-us fraud inventory ledger mail payments';
  const others = 'pricing reports search-index sessions shipping stock-sync tax';
  await ledGroups(client, `${first} ${others}`.split(' '));
  await client.revoke('mail', { fencingVersion: 1, reason: 'host is drained', force: true });
  contenders.push(...(await busyGroup(client, 'orders')));
  served = await serving;
});
afterAll(async () => {
  await Promise.all(contenders.map(({ elector }) => elector.close().catch(() => {})));
  await browser?.close();
  await served?.stop();
  door?.close();
});

/** Each test starts without the faults of the one before. */
afterEach(() => {
  door.isDown = false;
  door.answer = undefined;
});

function open(route = '', opened: Opened = {}): Promise<Page> {
  return openPage(browser, served.address + route, opened);
}

const listed = async () => (await client.call(groups, {})).items.map(({ leader }) => leader);

describe('the overview', () => {
  test('shows who leads each group, trouble first', async () => {
    const page = await open();
    await page.waitForSelector('.row');
    // Other files make groups meanwhile.
    await vi.waitFor(async () => {
      const leaders = await listed();
      const figures = `${leaders.length}\\s+groups\\s+${leaders.filter((leader) => leader !== null).length}\\s+led`;
      expect(await page.locator('.figures').innerText()).toMatch(new RegExp(figures));
    }, 20_000);
    const first = page.locator('.row').first();
    expect(await first.innerText()).toMatch(/mail\s+no leader/);
    const billing = page.locator('[data-group=billing]');
    expect(await billing.innerText()).toContain('worker-1');
    await page.waitForFunction(() => document.querySelectorAll('.health.none').length > 6);
    await picture(page, 'console-overview', '[data-group=orders] .c-backups.good');
    await page.context().close();
  });

  test('is used with the keyboard alone', async () => {
    const page = await open();
    await page.waitForSelector('.row');
    await page.keyboard.press('/');
    await page.keyboard.type('checkout');
    await page.waitForFunction(() => document.querySelectorAll('.row').length === 2);
    expect(page.url()).toMatch(/#\/\?filter=checkout$/);
    await page.keyboard.press('ArrowDown');
    await page.keyboard.press('ArrowDown');
    await page.waitForFunction(() => document.activeElement?.textContent === 'checkout-us');
    await page.keyboard.press('Enter');
    await page.waitForSelector('.leader-name >> text=worker-1');
    expect(page.url()).toMatch(/#\/groups\/checkout-us$/);
    await page.keyboard.press('Escape');
    await page.waitForSelector('.row');
    await page.context().close();
  });

  test('says how a first group is made where there is none, and what is missing where one may not look', async () => {
    door.answer = (path) => (path.startsWith('/v1/groups?') ? { items: [] } : undefined);
    const page = await open();
    await page.waitForSelector('text=npx tenure lead --group orders');
    door.answer = undefined;
    await page.waitForSelector('.row');
    await page.route('**/api/v1/groups?*', (route) => route.fulfill({ status: 403, body: '{"message":"Forbidden"}' }));
    await page.reload();
    await page.waitForSelector('text=No permission');
    await page.context().close();
  });
});

describe('a group', () => {
  test('shows a fail-over with the next answer but one, and never asks more than once a second', async () => {
    const fence = await client.contend('fail-over', { contenderId: 'a', leaseMs: 6_000 });
    await client.confirm('fail-over', fence, { address: 'ip-10-0-1-21.internal:7001' });
    const waiting = contender(client, 'fail-over', 'b', 6_000);
    contenders.push(waiting);
    const requests: PageRequest[] = [];
    const page = await open('#/groups/fail-over', { height: 1500, requests });
    await page.waitForSelector('.leader-name >> text=a');
    await waiting.leads;
    const confirmed = async () => (await client.observe('fail-over')).leader?.contenderId;
    await expect.poll(confirmed, { interval: 50, timeout: 20_000 }).toBe('b');
    const [confirmedAt, asked] = [Date.now(), requests.length];
    await page.waitForSelector('.leader-name >> text=b');
    console.log(`a fail-over is shown ${Date.now() - confirmedAt} ms after its confirmation`);
    // A page asks once a second, so two questions are two seconds; the third may be on its way while it is drawn.
    expect(requests.length - asked).toBeLessThanOrEqual(3);
    await page.waitForSelector('.gap');
    await page.waitForSelector('.story >> text=version 2 granted to b');
    expect(await page.locator('.story').innerText()).toMatch(/a stopped renewing/);
    for (const [index, from] of requests.entries()) {
      const within = requests.slice(index).filter(({ at }) => at - from.at < 3_900).length;
      // One a second, and what a late timer moves.
      expect(within).toBeLessThanOrEqual(5);
    }
    await page.context().close();
  });

  test('shows who waits, and hands over to a waiting contender after the dry run', async () => {
    const [leader, heir] = ['a', 'heir'].map((id) => contender(client, 'handed-over', id, 60_000));
    contenders.push(...[leader, heir].filter((one) => one !== undefined));
    const holds = async () => (await client.observe('handed-over', { consistent: true })).leader?.contenderId;
    await expect.poll(holds, { timeout: 20_000 }).toBeDefined();
    const waits = (await holds()) === 'a' ? 'heir' : 'a';
    const page = await open('#/groups/handed-over', { height: 1500 });
    await page.click(`.waits .contender >> text=${waits}`);
    const leads = waits === 'heir' ? 'a' : 'heir';
    await page.waitForSelector(`.dry-run >> text=Would ask ${leads} to resign. ${waits} waits for the lease`);
    expect(await page.locator('.dialog .command').innerText()).toBe(
      `npx tenure leader hand-over --group handed-over --to ${waits}`,
    );
    expect(await holds()).toBe(leads);
    await page.click('.dialog .strong');
    await page.waitForSelector('.dialog >> text=Done');
    await page.click('.dialog >> text=Close');
    await page.waitForSelector('.facts >> text=asked for');
    await page.waitForSelector(`.story >> text=an operator asked ${leads} to hand version 1 over to ${waits}`);
    await page.context().close();
  });

  test('shows what happens to its jobs while it happens', async () => {
    const page = await open('#/groups/events-seen', { height: 1500 });
    await page.waitForSelector('.leader-name');
    const leader = contender(client, 'events-seen', 'a', 60_000);
    contenders.push(leader);
    await jobWithCheckpoints(client, await leader.leads, 'totals', 2);
    await page.waitForSelector('.events >> text=/Checkpoint Committed.*totals/');
    await page.context().close();
  });

  test('says why the write of a deposed leader was refused', async () => {
    const old = await client.contend('deposed', { contenderId: 'a', leaseMs: 60_000 });
    await client.confirm('deposed', old, { address: 'ip-10-0-1-21.internal:7001' });
    await client.revoke('deposed', { fencingVersion: 1, reason: 'rack moves', force: true });
    await expect(client.renew('deposed', old)).rejects.toMatchObject({ code: 'leadership_lost' });
    const page = await open('#/groups/deposed');
    await page.waitForSelector('.answers >> text=Why was a write refused?');
    await page.waitForSelector('.answers >> text=/The term of version 1 ended.*rack moves/');
    await page.context().close();
  });

  test('asks nothing while it is hidden', async () => {
    const page = await open('#/groups/orders');
    await page.waitForSelector('.leader-name >> text=b');
    await page.evaluate(() => Object.defineProperty(document, 'hidden', { configurable: true, get: () => true }));
    const requests = requestsOf(page);
    await page.waitForTimeout(2_500);
    expect(requests).toEqual([]);
    await page.evaluate(() => {
      Object.defineProperty(document, 'hidden', { configurable: true, get: () => false });
      document.dispatchEvent(new Event('visibilitychange'));
    });
    await expect.poll(() => requests.length).toBeGreaterThan(0);
    await page.context().close();
  });

  test('takes a backup after its dry run, and shows its progress to the end', async () => {
    const page = await open('#/groups/orders', { height: 1500 });
    await page.waitForSelector('.plot canvas');
    await page.click('text=Back up now…');
    await page.waitForSelector('.dry-run >> text=/would take it.*The cut as of now: events at 40/');
    expect(await page.locator('.dialog .command').innerText()).toBe(
      'npx tenure backup create --group orders --allow-leader',
    );
    expect(await page.locator('.backups li').count()).toBe(1);
    await page.click('.dialog .strong');
    await page.waitForSelector('.dialog >> text=Done');
    await page.click('.dialog >> text=Close');
    // On a quiet machine it may be complete before the page looks again.
    await page.waitForSelector('.backups li >> nth=1', { timeout: 20_000 });
    await page.waitForSelector('.backups li.completed >> nth=1', { timeout: 40_000 });
    expect(await page.locator('.backups li.completed .gantt').count()).toBe(2);
    await picture(page, 'console-group', '.waits .contender');
    await page.waitForSelector('.story >> text=a writer of log events was elected with ballot');
    await page.waitForSelector('.story >> text=version 2 granted to b');
    await picture(page, 'console-explained', '#explain', '#explain');
    await page.context().close();
  });

  test('revokes only what the dry run has shown, with a reason', async () => {
    const page = await open('#/groups/tax');
    await page.waitForSelector('.leader-name >> text=worker-1');
    await page.click('text=Revoke…');
    await page.waitForSelector('.dry-run >> text=/Would end the term of worker-1; the lease can be taken at/');
    expect(await page.locator('.dialog .strong').isDisabled()).toBe(true);
    await page.fill('.dialog input:not([type=checkbox])', 'rack moves');
    await page.check('.dialog input[type=checkbox]');
    await page.waitForSelector('.effect >> text=By force: the next leader may begin while worker-1 still believes');
    await page.waitForSelector('.dry-run >> text=can be taken at once');
    expect(await page.locator('.dialog .command').innerText()).toBe(
      "npx tenure leader revoke --group tax --fencing-version 1 --reason 'rack moves' --force",
    );
    expect((await client.observe('tax')).leader?.contenderId).toBe('worker-1');
    await page.click('.dialog .strong');
    await page.waitForSelector('.dialog >> text=Done');
    await page.click('.dialog >> text=Close');
    await page.waitForSelector('.leader-name >> text=No leader');
    await page.waitForSelector('.story >> text=rack moves');
    await page.context().close();
  });

  test('keeps what it knows through an outage, says how old it is, and continues by itself', async () => {
    const page = await open('#/groups/orders');
    await page.waitForSelector('.leader-name >> text=b');
    door.isDown = true;
    await page.waitForSelector('.outage >> text=No answer from the API');
    await page.waitForSelector('.fresh.stale >> text=/last answer \\d+ s ago/');
    expect(await page.locator('.facts').innerText()).toContain('Fencing version');
    door.isDown = false;
    await page.waitForSelector('.fresh.live');
    expect(await page.locator('.outage').count()).toBe(0);
    await page.context().close();
  });
});

describe('a page of another site', () => {
  test('reads nothing of the console and changes nothing, whatever name it has', async () => {
    const { port, search } = new URL(served.address);
    const context = await browser.newContext();
    await (await context.newPage()).goto(served.address);
    const page = await context.newPage();
    await page.route('http://attacker.example:1/', (route) =>
      route.fulfill({ contentType: 'text/html', body: '<p>a' }),
    );
    await page.goto('http://attacker.example:1/');
    const answers = await page.evaluate(
      async ([at]) => {
        const tell = (cause: unknown) => String(cause);
        const read = await fetch(`${at}/api/v1/groups`, { credentials: 'include' }).then((one) => one.text(), tell);
        const headers = { 'content-type': 'text/plain' };
        const init = { method: 'POST', mode: 'no-cors', headers, credentials: 'include', body: '{}' } as const;
        const sent = await fetch(`${at}/api/v1/groups/orders/backups`, init).then((one) => one.type, tell);
        return [read, sent];
      },
      [`http://127.0.0.1:${port}`],
    );
    expect(answers).toEqual([expect.stringContaining('Failed to fetch'), 'opaque']);
    const rebound = await page.goto(`http://rebound.example:${port}/${search}`);
    expect(rebound?.status()).toBe(403);
    expect(await page.textContent('body')).toContain('The Host header is');
    const { items } = await client.call(listBackups, {
      params: { group: 'orders' },
    });
    expect(items.every(({ state }) => state === 'COMPLETED')).toBe(true);
    await context.close();
  });
});
