/** What a user downloads and installs, in bytes; docs/client.md has the table. */
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect, inject, test } from 'vitest';
import packageJson from '../../package.json' with { type: 'json' };
import { project } from '../support/stack.ts';

const mebibyte = 1024 ** 2;

/** The folder of a package as Node finds it from another one. */
function folderOf(name: string, from: string): string {
  const found = join(from, 'node_modules', name);
  if (existsSync(join(found, 'package.json'))) return found;
  if (dirname(from) === from) throw new Error(`${name} is not installed`);
  return folderOf(name, dirname(from));
}

/** The folders of a package's dependencies, and of theirs. */
function closure(names: readonly string[], from: string, seen = new Set<string>()): Set<string> {
  for (const name of names) {
    const folder = folderOf(name, from);
    if (seen.has(folder)) continue;
    seen.add(folder);
    const { dependencies = {} } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
    closure(Object.keys(dependencies), folder, seen);
  }
  return seen;
}

function bytesOf(folder: string): number {
  const entries = readdirSync(folder, { withFileTypes: true }).filter(({ name }) => name !== 'node_modules');
  return entries
    .map((entry) => {
      const path = join(folder, entry.name);
      return entry.isDirectory() ? bytesOf(path) : statSync(path).size;
    })
    .reduce((sum, bytes) => sum + bytes, 0);
}

test('the dependencies of the package take at most 12 MB', () => {
  const folders = [...closure(Object.keys(packageJson.dependencies), project)];
  expect(folders.length).toBeGreaterThan(10);
  const bytes = folders.map(bytesOf).reduce((sum, one) => sum + one, 0);
  expect(bytes / mebibyte).toBeLessThan(12);
});

test('everything that the package imports is a dependency, or one that its user has already', () => {
  const dist = join(inject('consumer'), 'node_modules/tenure/dist');
  const files = readdirSync(dist, { recursive: true, encoding: 'utf8' }).filter(
    (file) => /\.m?js$/.test(file) && !/^(bundles|console)\//.test(file),
  );
  const code = files.map((file) => readFileSync(join(dist, file), 'utf8').replaceAll(/\/\*[\s\S]*?\*\//g, ''));
  const imported = code.flatMap((text) =>
    [...text.matchAll(/(?:from |import\()'(@[^/']+\/[^/']+|[^./'][^/']*)/g)].map(([, name]) => String(name)),
  );
  const { name: own, dependencies, peerDependencies } = packageJson;
  // Programs that `tenure init` writes import the package itself.
  const declared = [own, ...Object.keys(dependencies), ...Object.keys(peerDependencies)];
  const foreign = [...new Set(imported)].filter((name) => !name.startsWith('node:') && !declared.includes(name));
  expect(foreign).toEqual([]);
});
