import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';

export const peersFolder = join(import.meta.dirname, 'peers');

/** Why something cannot take part, and what to install so that it can. */
export class AbsentError extends Error {
  override readonly name = 'AbsentError';
}

/**
 * A package of test/bench/peers, installed with its fellows the first time that one is asked for: they are not worth
 * their hundred megabytes to anybody who does not run the benches. @throws AbsentError when they cannot be installed.
 */
export function peerPackage(name: string): { loaded: unknown; version: string } {
  if (!existsSync(join(peersFolder, 'node_modules', '.package-lock.json'))) {
    const { status } = spawnSync('npm', ['ci', '--ignore-scripts', '--no-audit', '--no-fund'], {
      cwd: peersFolder,
      stdio: ['ignore', 'ignore', 'inherit'],
    });
    if (status !== 0) throw new AbsentError(`${name} is missing: run "npm ci --ignore-scripts" in test/bench/peers`);
  }
  const require = createRequire(join(peersFolder, 'package.json'));
  const { version } = require(join(peersFolder, 'node_modules', name, 'package.json')) as { version: string };
  return { loaded: require(name), version: `${name} ${version}` };
}
