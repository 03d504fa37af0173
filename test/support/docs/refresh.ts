/**
 * `npm run docs`: types every command of the documentation and writes down what it printed.
 *
 *   npm run docs                      all pages
 *   npm run docs -- docs/cli.md       this one, and those that the same reader reads before it
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { project, startStack } from '../stack.ts';
import { readPage, withLines } from './markdown.ts';
import { Reader } from './reader.ts';
import { readings } from './readings.ts';

const wanted = process.argv.slice(2);
const patienceMs = 120_000;

async function refresh(pages: readonly string[], url?: string): Promise<void> {
  const last = wanted.length === 0 ? pages.length : Math.max(...wanted.map((page) => pages.indexOf(page))) + 1;
  const reader = await Reader.begin({ patienceMs, ...(url !== undefined && { url }) });
  try {
    for (const page of pages.slice(0, last)) {
      const markdown = readPage(page);
      const { lines, differences, failed } = await reader.read(markdown);
      for (const difference of differences) console.log(`${page} ${difference}\n`);
      if (wanted.length > 0 && !wanted.includes(page)) continue;
      if (failed) {
        console.log(`${page} stays as it is: a command of it failed`);
        process.exitCode = 1;
        continue;
      }
      const fresh = withLines(markdown, lines);
      writeFileSync(join(project, page), fresh);
      console.log(`${page} ${fresh === markdown ? 'stays as it is' : 'is written anew'}`);
    }
  } finally {
    await reader.close();
  }
}

const isWanted = (pages: readonly string[]) => wanted.length === 0 || pages.some((page) => wanted.includes(page));

if (isWanted(readings.newcomer)) await refresh(readings.newcomer);
if (isWanted(readings.others)) {
  const stack = await startStack();
  await refresh(readings.others, stack.api).finally(() => stack.stop());
}
