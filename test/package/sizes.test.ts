/** Sizes that a user downloads, installs and loads; docs/client.md has the table. */
import { spawnSync } from 'node:child_process';
import { lstatSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { isBuiltin } from 'node:module';
import { join } from 'node:path';
import { expect, inject, test } from 'vitest';
import packageJson from '../../package.json' with { type: 'json' };

const modules = () => join(inject('consumer'), 'node_modules');
const sizeOf = (name: string) => statSync(join(inject('dist'), `${name}-${packageJson.version}.tgz`)).size;

/** Of what is really in the folder: links lead to what is not a part of it. */
function bytesOf(folder: string, except: readonly string[] = []): number {
  const entries = readdirSync(folder, { withFileTypes: true }).filter(({ name }) => !except.includes(name));
  return entries
    .map((entry) =>
      entry.isDirectory() ? bytesOf(join(folder, entry.name)) : lstatSync(join(folder, entry.name)).size,
    )
    .reduce((sum, bytes) => sum + bytes, 0);
}

test('the library and the command are at most 300 KB packed', () => {
  expect(sizeOf('tenure')).toBeLessThanOrEqual(300_000);
  expect(sizeOf('tenure-cdk')).toBeLessThanOrEqual(6_000_000);
  expect(sizeOf('tenure-local')).toBeLessThanOrEqual(4_000_000);
});

test('installed with all dependencies the library takes at most 12 MB', () => {
  expect(readdirSync(modules()).length).toBeGreaterThan(7);
  const bytes = bytesOf(modules(), ['tenure-cdk', 'tenure-local']);
  expect(bytes).toBeGreaterThan(2_000_000);
  // Of the 12,000,000: dependencies grow within their ranges.
  expect(bytes).toBeLessThanOrEqual(8_000_000);
});

test('the notices of the library name each package that became part of it, with its licence', () => {
  const notices = readFileSync(join(modules(), 'tenure/THIRD-PARTY-NOTICES.txt'), 'utf8');
  expect([...notices.matchAll(/^(\S+) \S+ \(MIT\)$/gm)].map(([, name]) => name)).toEqual(['preact', 'uplot', 'zod']);
  expect(notices.match(/Permission is hereby granted/g)).toHaveLength(3);
  // The folder has zod for the construct, so that declarations which name it would resolve here.
  const files = readdirSync(join(modules(), 'tenure/dist'), { recursive: true, encoding: 'utf8' });
  const declarations = files.filter((file) => file.endsWith('.d.ts'));
  expect(declarations.length).toBeGreaterThan(50);
  const read = (file: string) => readFileSync(join(modules(), 'tenure/dist', file), 'utf8');
  expect(declarations.filter((file) => /(from|import\() ?['"]zod/.test(read(file)))).toEqual([]);
});

test('loading the library takes at most 60 ms, also of a crowded processor', () => {
  const script = `const before = process.cpuUsage();
await import('tenure');
const { user, system } = process.cpuUsage(before);
console.log((user + system) / 1_000);`;
  const argv = ['--input-type=module', '--eval', script];
  const load = () => Number(spawnSync(process.execPath, argv, { cwd: inject('consumer'), encoding: 'utf8' }).stdout);
  // The tests next to this one share its cores and caches.
  const fastest = Math.min(...Array.from({ length: 15 }, load));
  expect(fastest).toBeGreaterThan(1);
  expect(fastest).toBeLessThanOrEqual(60);
});

const folders = [
  ['tenure', 'dist'],
  ['tenure-cdk', 'dist'],
  ['tenure-local', 'dist'],
] as const;

test('the library is loaded in a few files', () => {
  const dist = join(modules(), 'tenure', 'dist');
  const reached = new Set(['client/index.js']);
  for (const file of reached) {
    const code = readFileSync(join(dist, file), 'utf8');
    for (const [, path = ''] of code.matchAll(/\bfrom"(\.[^"]+)"/g)) reached.add(join(file, '..', path));
  }
  expect(reached).toContain('schemas.js');
  expect(reached.size).toBeLessThanOrEqual(16);
});

test.each(folders)('all that %s imports is a dependency, or one that its user has already', (name, folder) => {
  const dist = join(modules(), name, folder);
  const files = readdirSync(dist, { recursive: true, encoding: 'utf8' }).filter(
    (file) => /\.m?js$/.test(file) && !/^(bundles|cli\/console)\//.test(file),
  );
  const code = files.map((file) => readFileSync(join(dist, file), 'utf8').replaceAll(/\/\*[\s\S]*?\*\//g, ''));
  const imported = code.flatMap((text) =>
    [...text.matchAll(/(?:^|[;}])\s*(?:import|export)\b[^'"\n;]*?from\s*["'](@[^/"']+\/[^/"']+|[^./"'][^/"']*)/gm)].map(
      ([, found]) => String(found),
    ),
  );
  const manifest = JSON.parse(readFileSync(join(modules(), name, 'package.json'), 'utf8'));
  // Programs that `tenure init` writes import the package itself.
  const declared = ['tenure', 'tenure-cdk', ...Object.keys({ ...manifest.dependencies, ...manifest.peerDependencies })];
  const foreign = [...new Set(imported)].filter((found) => !isBuiltin(found) && !declared.includes(found));
  expect(imported.length).toBeGreaterThan(0);
  expect(foreign).toEqual([]);
});

test('the packages ask for the versions that the tests run with', () => {
  for (const name of ['tenure', 'tenure-cdk', 'tenure-local']) {
    const { version, dependencies } = JSON.parse(readFileSync(join(modules(), name, 'package.json'), 'utf8'));
    expect(version).toBe(packageJson.version);
    const oldest = Object.entries<string>(dependencies).map(([one, range]) => [one, range.replace('^', '')]);
    const here = { ...packageJson.devDependencies, ...packageJson.dependencies };
    expect(here).toMatchObject(Object.fromEntries(oldest));
  }
});
