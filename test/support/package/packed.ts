import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { TestProject } from 'vitest/node';
import packageJson from '../../../package.json' with { type: 'json' };
import { project } from '../stack.ts';

declare module 'vitest' {
  interface ProvidedContext {
    /** Folder of a project that has installed the packed tarball. */
    consumer: string;
  }
}

/**
 * Packs the package as `npm publish` would, and installs it in a project of its own; its dependencies are those that
 * are here already.
 */
export default function setup(context: TestProject) {
  const consumer = realpathSync(mkdtempSync(join(tmpdir(), 'tenure-consumer-')));
  execFileSync('npm', ['pack', '--silent', '--pack-destination', consumer], { cwd: project, stdio: 'inherit' });
  const home = join(consumer, 'node_modules', packageJson.name);
  mkdirSync(home, { recursive: true });
  const tarball = join(consumer, `${packageJson.name}-${packageJson.version}.tgz`);
  execFileSync('tar', ['-xzf', tarball, '-C', home, '--strip-components=1']);
  const { dependencies, peerDependencies } = packageJson;
  for (const name of [...Object.keys({ ...dependencies, ...peerDependencies }), '@types/node']) {
    const link = join(consumer, 'node_modules', name);
    mkdirSync(dirname(link), { recursive: true });
    symlinkSync(join(project, 'node_modules', name), link);
  }
  mkdirSync(join(consumer, 'node_modules', '.bin'));
  symlinkSync(join('..', packageJson.name, packageJson.bin.tenure), join(consumer, 'node_modules', '.bin', 'tenure'));
  context.provide('consumer', consumer);
  return () => rmSync(consumer, { recursive: true, force: true });
}
