import { spawnSync } from 'node:child_process';
import { chmodSync, chownSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import packageJson from '../../../package.json' with { type: 'json' };
import { project } from '../../support/stack.ts';

const nobody = 65_534;
/** Only root can become another user. */
const canBecomeAnother = process.getuid?.() === 0 && spawnSync('setpriv', ['--version']).status === 0;

test.runIf(canBecomeAnother)('a user who may not write to the clone runs the command from it', () => {
  const above = mkdtempSync(join(tmpdir(), 'tenure-nobody-'));
  onTestFinished(() => rmSync(above, { recursive: true, force: true }));
  chmodSync(above, 0o755);
  // Of a project of their own, which says nothing about modules.
  writeFileSync(join(above, 'package.json'), '{}');
  const home = join(above, 'home');
  mkdirSync(home);
  chownSync(home, nobody, nobody);
  const user = [`--reuid=${nobody}`, `--regid=${nobody}`, '--clear-groups'];
  const argv = [...user, join(project, 'cli/tenure'), '--version'];
  const env = { ...process.env, HOME: home };
  for (const _ of ['the first time', 'again']) {
    const { stdout, stderr, status } = spawnSync('setpriv', argv, { env, encoding: 'utf8' });
    expect({ stdout, stderr, status }).toEqual({ stdout: `${packageJson.version}\n`, stderr: '', status: 0 });
  }
});
