/** A thousand groups on the overview, before an API that the test makes up. */
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startBrowser } from '../support/chromium.ts';
import { openPage } from '../support/console/page.ts';
import { type ApiDoor, doorBefore, type ServedConsole, serveConsole } from '../support/console/served.ts';

let browser: Browser;
let door: ApiDoor;
let served: ServedConsole;

const count = 1_000;
const at = Date.now();

function group(n: number) {
  const leader = {
    contenderId: `worker-${n % 7}`,
    sessionId: '00000000-0000-4000-8000-000000000000',
    address: `ip-10-0-3-${n % 250}.internal:7001`,
    metadata: null,
    confirmedAt: new Date(at - n * 60_000).toISOString(),
    expiresAt: new Date(Date.now() + 12_000).toISOString(),
  };
  return { group: `service-${String(n).padStart(4, '0')}`, fencingVersion: n + 1, pending: false, leader };
}

beforeAll(async () => {
  door = await doorBefore('http://127.0.0.1:9');
  door.answer = (path) => ({
    items: path.startsWith('/v1/groups?') ? Array.from({ length: count }, (_, n) => group(n)) : [],
  });
  [browser, served] = await Promise.all([startBrowser(), serveConsole(door.url, 'no-folder')]);
});
afterAll(async () => {
  await browser?.close();
  await served?.stop();
  door?.close();
});

interface Scrolled {
  /** ms between two frames, in order of length. */
  readonly frames: readonly number[];
  readonly rows: number;
}

/** Eight rows further with each frame, two seconds long. */
const scroll = (page: Page): Promise<Scrolled> =>
  page.evaluate(async () => {
    const box = document.querySelector('.rows') as HTMLElement;
    box.scrollTop = 0;
    await new Promise(requestAnimationFrame);
    const frames: number[] = [];
    let last = performance.now();
    let rows = 0;
    for (let frame = 0; frame < 120; frame += 1) {
      box.scrollTop += 380;
      await new Promise(requestAnimationFrame);
      frames.push(performance.now() - last);
      last = performance.now();
      rows = Math.max(rows, document.querySelectorAll('.row').length);
    }
    return { frames: frames.sort((one, other) => one - other), rows };
  });

const runs = 3;

test('a thousand groups scroll with a window of rows, and the filter finds the last of them', async () => {
  const page = await openPage(browser, served.address);
  await page.waitForSelector('[data-group=service-0000]');
  const medians: number[] = [];
  for (let run = 0; run < runs; run += 1) {
    const { frames, rows } = await scroll(page);
    expect(rows).toBeLessThan(60);
    medians.push(frames[60] ?? 0);
  }
  await page.waitForSelector('[data-group=service-0950]');
  const figures = medians.map((median) => median.toFixed(1)).join(', ');
  const median = medians.sort((one, other) => one - other)[Math.floor(runs / 2)] ?? 0;
  console.log(`1,000 groups: a frame every ${median.toFixed(1)} ms, the median of ${figures} ms`);
  await page.keyboard.press('/');
  await page.keyboard.type('service-0999');
  await page.waitForFunction(() => document.querySelectorAll('.row').length === 1);
  await page.context().close();
});
