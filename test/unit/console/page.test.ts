/** The page as it is built: its size, its parts, and that it asks nobody but its own server. */
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { buildConsole } from '../../../console/build.mjs';

let folder = '';
let inputs: string[] = [];
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'tenure-page-'));
  inputs = await buildConsole(folder);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const text = (name: string) => readFileSync(join(folder, name), 'utf8');

test('has at most 60 KB in all, as it is sent', () => {
  const files = readdirSync(folder);
  expect(files.sort()).toEqual(['console.css', 'console.js', 'icon.svg', 'index.html']);
  const bytes = files.reduce((sum, name) => sum + gzipSync(readFileSync(join(folder, name)), { level: 9 }).length, 0);
  expect(bytes).toBeLessThan(60 * 1024);
});

test('is made of its own room, the explanations, and two packages', () => {
  const rooms = inputs.map(
    (input) =>
      /^(console|client\/explain|api\/(?:assert-never|clock-skew)|node_modules\/(?:preact|uplot))\b/.exec(input)?.[1],
  );
  expect(inputs.filter((_, at) => rooms[at] === undefined)).toEqual([]);
  expect(new Set(rooms).size).toBe(6);
});

test('holds no script or style of its document, and the address of no other server', () => {
  const html = text('index.html');
  expect(html).not.toMatch(/<script(?![^>]* src=)|<style| style=| on\w+=/);
  const addresses = [...`${html}${text('console.css')}${text('console.js')}`.matchAll(/https?:\/\/[\w.-]+/g)];
  expect([...new Set(addresses.map(([address]) => address))].filter((one) => one !== 'http://www.w3.org')).toEqual([]);
});
