import { execFileSync } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { project } from '../stack.ts';

/** Installs what the package-lock.json in a folder pins, once for all runs; returns where its node_modules lies. */
export function installed(folder: string): string {
  const cache = join(project, 'node_modules/.cache/tenure', basename(folder));
  const lock = (at: string) => readFileSync(join(at, 'package-lock.json'), 'utf8');
  if (existsSync(join(cache, 'node_modules')) && lock(cache) === lock(folder)) return cache;
  mkdirSync(cache, { recursive: true });
  for (const name of ['package.json', 'package-lock.json']) copyFileSync(join(folder, name), join(cache, name));
  execFileSync('npm', ['ci', '--no-audit', '--no-fund', '--prefer-offline'], { cwd: cache, stdio: 'ignore' });
  return cache;
}
