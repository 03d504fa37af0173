import { execFileSync, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { expect, inject, onTestFinished, test } from 'vitest';
import { distAt } from '../support/package/packed.ts';
import { project } from '../support/stack.ts';

const names = ['tenure', 'tenure-cdk', 'tenure-local'];

test('the same sources make the same bytes', () => {
  const again = join(project, 'node_modules/.cache/tenure/dist-again');
  onTestFinished(() => rmSync(again, { recursive: true, force: true }));
  const env = { ...distAt(again), TZ: 'Asia/Tokyo' };
  execFileSync('npm', ['run', '--silent', 'dist'], { cwd: project, env, stdio: 'ignore' });
  const made = digests(inject('dist'));
  expect(Object.keys(made).filter((file) => file.endsWith('.tgz'))).toHaveLength(3);
  expect(Object.keys(made).filter((file) => file.endsWith('.zip')).length).toBeGreaterThan(10);
  expect(digests(again)).toEqual(made);
});

function digests(dist: string): Record<string, string> {
  const files = readdirSync(dist, { recursive: true, encoding: 'utf8' }).filter((file) =>
    /\.(tgz|zip|json)$/.test(file),
  );
  const sha256 = (file: string) =>
    createHash('sha256')
      .update(readFileSync(join(dist, file)))
      .digest('hex');
  return Object.fromEntries(files.sort().map((file) => [file, sha256(file)]));
}

test.each(names)('npm would publish %s without a warning', (name) => {
  const folder = join(inject('dist'), name);
  // Of a registry nothing is asked but whether this version is there already; this one refuses all connections.
  const argv = ['publish', '--dry-run', '--ignore-scripts', '--registry=http://127.0.0.1:9', '--fetch-retries=0'];
  const { status, stderr } = spawnSync('npm', argv, { cwd: folder, encoding: 'utf8' });
  const warnings = stderr.split('\n').filter((line) => /npm (warn|error)/i.test(line) && !/logged in|login/.test(line));
  expect(warnings).toEqual([]);
  expect(status, stderr).toBe(0);
  for (const file of ['README.md', 'LICENSE', 'CHANGELOG.md']) expect(existsSync(join(folder, file)), file).toBe(true);
  expect(readFileSync(join(folder, 'README.md'), 'utf8').length).toBeGreaterThan(500);
});
