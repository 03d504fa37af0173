import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { anywhere, onlyHere, rehearsed } from '../../aws/suites.ts';
import { project } from '../../support/stack.ts';

const folder = join(project, 'test/end-to-end');
const files = readdirSync(folder, { recursive: true, encoding: 'utf8' })
  .filter((file) => file.endsWith('.test.ts'))
  .map((file) => file.replace(/\.test\.ts$/, ''));

test('every end-to-end file runs on AWS, or says why it cannot', () => {
  expect([...anywhere, ...Object.keys(onlyHere)].toSorted()).toEqual(files.toSorted());
  expect(anywhere).toEqual(expect.arrayContaining([...rehearsed]));
});

test.each(anywhere)('%s needs nothing of the embedded stack but its address', (name) => {
  const source = readFileSync(join(folder, `${name}.test.ts`), 'utf8');
  const used = [...source.matchAll(/\bstack(?:'\))?\.(?!ts\b)(\w+)/g)].map(([, field]) => field);
  expect(used.filter((field) => field !== 'api')).toEqual([]);
  expect(source).not.toMatch(/startStack|fireSchedule|localToken/);
});
