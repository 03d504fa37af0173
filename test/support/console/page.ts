/** A page of the console, as the tests look at it. */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import axe from 'axe-core';
import type { Browser, Page } from 'playwright-core';
import { project } from '../stack.ts';

export interface Opened {
  readonly scheme?: 'dark' | 'light';
  readonly width?: number;
  readonly height?: number;
  /** Receives the page's requests to the API from the first on. */
  readonly requests?: PageRequest[];
}

/** Opens an address of the console in a context of its own. */
export async function openPage(browser: Browser, address: string, opened: Opened = {}): Promise<Page> {
  const { scheme = 'dark', width = 1280, height = 800, requests } = opened;
  const context = await browser.newContext({ colorScheme: scheme, viewport: { width, height } });
  const page = await context.newPage();
  page.setDefaultTimeout(20_000);
  if (requests) requestsOf(page, requests);
  await page.goto(address);
  return page;
}

export interface PageRequest {
  readonly path: string;
  /** Epoch ms. */
  readonly at: number;
}

/** The page's requests to the API from now on. */
export function requestsOf(page: Page, seen: PageRequest[] = []): PageRequest[] {
  page.on('request', (request) => {
    const { pathname } = new URL(request.url());
    if (pathname.startsWith('/api/')) seen.push({ path: pathname.slice('/api'.length), at: Date.now() });
  });
  return seen;
}

/** Kept for the documentation only when asked for: each run would change the files. */
export async function picture(page: Page, name: string, shown?: string, part?: string): Promise<void> {
  if (process.env['TENURE_SCREENSHOTS'] !== '1') return;
  const folder = join(project, 'docs/images');
  mkdirSync(folder, { recursive: true });
  // One question a second: a picture of the whole takes its time.
  if (shown) await page.waitForSelector(shown, { timeout: 90_000 });
  const path = join(folder, `${name}.png`);
  if (part) await page.locator(part).screenshot({ path });
  else await page.screenshot({ path });
}

/** Axe's findings on the page: rule, element and summary. */
export async function violations(page: Page): Promise<string[]> {
  await page.evaluate(axe.source);
  const tags = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'];
  return page.evaluate(async (values) => {
    const found = await (globalThis as unknown as { axe: typeof axe }).axe.run({ runOnly: { type: 'tag', values } });
    return found.violations.flatMap(({ id, nodes }) =>
      nodes.map(({ html, failureSummary }) => `${id}: ${html} ${failureSummary}`),
    );
  }, tags);
}
