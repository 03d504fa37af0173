import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { TestProject } from 'vitest/node';
import packageJson from '../../../package.json' with { type: 'json' };
import { project } from '../stack.ts';

declare module 'vitest' {
  interface ProvidedContext {
    /** The folder that `npm run dist` made. */
    dist: string;
    /** Folder of a project that has installed the packed tarballs. */
    consumer: string;
  }
}

/**
 * Makes all that is published, and installs it in a folder of its own: the library as a user would, with npm; of the
 * others only their tarballs, next to links to what they need, which takes npm a minute.
 */
export default function setup(context: TestProject) {
  const dist = join(project, 'node_modules/.cache/tenure/dist');
  execFileSync('npm', ['run', '--silent', 'dist'], { cwd: project, env: distAt(dist), stdio: 'inherit' });
  const consumer = realpathSync(mkdtempSync(join(tmpdir(), 'tenure-consumer-')));
  const modules = join(consumer, 'node_modules');
  writeFileSync(join(consumer, 'package.json'), JSON.stringify({ private: true }));
  const argv = ['install', '--prefer-offline', '--no-audit', '--no-fund', '--ignore-scripts', tarball(dist, 'tenure')];
  execFileSync('npm', argv, { cwd: consumer, stdio: ['ignore', 'ignore', 'inherit'] });
  for (const name of ['tenure-cdk', 'tenure-local']) {
    mkdirSync(join(modules, name));
    execFileSync('tar', ['-xzf', tarball(dist, name), '-C', join(modules, name), '--strip-components=1']);
    link(modules, neededBy(join(modules, name)));
  }
  // Without telemetry, like most programs.
  const needed = neededBy(join(modules, 'tenure')).filter((name) => name !== '@opentelemetry/api');
  link(modules, [...needed, '@types/node']);
  symlinkSync('../tenure-local/start.mjs', join(modules, '.bin/tenure-local'));
  context.provide('dist', dist);
  context.provide('consumer', consumer);
  return () => rmSync(consumer, { recursive: true, force: true });
}

/** Where `npm run pack` and `npm run dist` put what they make. */
export const distAt = (dist: string) => ({ ...process.env, TENURE_DIST: dist });

const tarball = (dist: string, name: string) => join(dist, `${name}-${packageJson.version}.tgz`);

function neededBy(folder: string): string[] {
  const { dependencies, peerDependencies } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
  return Object.keys({ ...dependencies, ...peerDependencies });
}

/** Packages that npm has not installed are here already. */
function link(modules: string, names: readonly string[]): void {
  for (const name of names) {
    const place = join(modules, name);
    mkdirSync(dirname(place), { recursive: true });
    try {
      symlinkSync(join(project, 'node_modules', name), place);
    } catch (cause) {
      if ((cause as NodeJS.ErrnoException).code !== 'EEXIST') throw cause;
    }
  }
}
