import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { project } from '../support/stack.ts';

interface Locked {
  version: string;
  integrity?: string;
  resolved?: string;
  /** Part of the tarball of the package that it lies in, whose integrity covers it. */
  inBundle?: true;
  dev?: true;
  optional?: true;
  hasInstallScript?: true;
  optionalDependencies?: Record<string, string>;
}

const { packages } = JSON.parse(await readFile(join(project, 'package-lock.json'), 'utf8')) as {
  packages: Record<string, Locked>;
};
const installed = Object.entries(packages).filter(([path]) => path !== '');

describe('package-lock.json', () => {
  /**
   * `npm install` drops packages of other platforms that the registry at hand does not have; `npm ci` then refuses
   * every fresh clone.
   */
  test('names the packages of every platform', () => {
    const locked = new Set(Object.keys(packages).map((path) => path.split('node_modules/').at(-1)));
    const wanted = Object.values(packages).flatMap(({ optionalDependencies = {} }) =>
      Object.keys(optionalDependencies),
    );
    expect(wanted.length).toBeGreaterThan(10);
    expect(wanted.filter((name) => !locked.has(name))).toEqual([]);
  });

  test('has a hash of everything that npm ci may install, on every platform', () => {
    const unhashed = installed.filter(([, { integrity }]) => !/^sha512-[\w+/]{86}==$/.test(integrity ?? ''));
    const uncovered = unhashed.filter(([path, { inBundle }]) => {
      const owner = packages[path.slice(0, path.lastIndexOf('/node_modules/'))];
      return !inBundle || !owner?.integrity;
    });
    expect(installed.length).toBeGreaterThan(300);
    expect(uncovered.map(([path]) => path)).toEqual([]);
  });

  test('names no source: the hash decides, whatever registry a machine uses', () => {
    expect(installed.filter(([, { resolved }]) => resolved !== undefined)).toEqual([]);
  });

  test('needs no install script for the client: npm ci --ignore-scripts is enough', () => {
    const scripted = installed.filter(([, { hasInstallScript }]) => hasInstallScript);
    expect(scripted.length).toBeGreaterThan(0);
    expect(scripted.filter(([, { dev, optional }]) => !dev && !optional)).toEqual([]);
  });
});

describe('workflows', async () => {
  const folder = join(project, '.github/workflows');
  test.each(await readdir(folder))('%s pins actions by commit and says what it may do', async (file) => {
    const text = await readFile(join(folder, file), 'utf8');
    const uses = [...text.matchAll(/uses: *(\S+)(.*)/g)].map(([, action = '', comment = '']) => ({ action, comment }));
    expect(uses.length).toBeGreaterThan(0);
    for (const { action, comment } of uses) {
      expect(action).toMatch(/@[0-9a-f]{40}$/);
      expect(comment, action).toMatch(/^ # v\d/);
    }
    expect(text).toMatch(/^permissions:\n {2}contents: read$/m);
  });
});

test('the list of packages of a release names each that a user installs, with its hash', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'sbom-'));
  const file = join(folder, 'sbom.json');
  execFileSync(join(project, '.ci/sbom.mjs'), [file]);
  const { bomFormat, components } = JSON.parse(await readFile(file, 'utf8')) as {
    bomFormat: string;
    components: { name: string; version: string; hashes?: { alg: string; content: string }[] }[];
  };
  await rm(folder, { recursive: true });
  expect(bomFormat).toBe('CycloneDX');
  const named = new Set(components.map(({ name, version }) => `${name}@${version}`));
  const needed = installed.filter(([, { dev, optional }]) => !dev && !optional);
  const missing = needed.filter(
    ([path, { version }]) => !named.has(`${path.split('node_modules/').at(-1)}@${version}`),
  );
  expect(needed.length).toBeGreaterThan(20);
  expect(missing.map(([path]) => path)).toEqual([]);
  expect(components.filter(({ hashes = [] }) => !hashes.some(({ alg }) => alg === 'SHA-512'))).toEqual([]);
});

test('the provenance of a release names its files by their digests, the commit and the lock file', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'provenance-'));
  const [packed, statement] = [join(folder, 'tenure-0.0.0.tgz'), join(folder, 'tenure.intoto.json')];
  await writeFile(packed, 'packed');
  execFileSync(join(project, '.ci/provenance.mjs'), [statement, packed]);
  const { subject, predicateType, predicate } = JSON.parse(await readFile(statement, 'utf8'));
  await rm(folder, { recursive: true });
  const sha256 = (content: string | Buffer) => createHash('sha256').update(content).digest('hex');
  expect(subject).toEqual([{ name: 'tenure-0.0.0.tgz', digest: { sha256: sha256('packed') } }]);
  expect(predicateType).toBe('https://slsa.dev/provenance/v1');
  const commit = execFileSync('git', ['rev-parse', 'HEAD'], { cwd: project, encoding: 'utf8' }).trim();
  expect(predicate.buildDefinition.resolvedDependencies).toEqual([
    { name: 'source', digest: { gitCommit: commit } },
    { name: 'package-lock.json', digest: { sha256: sha256(await readFile(join(project, 'package-lock.json'))) } },
  ]);
});
