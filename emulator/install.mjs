/** Plain JavaScript without a dependency, because on a fresh clone nothing is installed yet. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const project = join(dirname(fileURLToPath(import.meta.url)), '..');

/** Ends the process with one clear line when this Node is too old or the packages cannot be installed. */
export async function installIfNeeded() {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
  if (major < 20 || (major === 20 && minor < 19)) {
    console.error(
      `Tenure needs Node 20.19 or newer, this is ${process.versions.node}: install a newer one from https://nodejs.org`,
    );
    process.exit(1);
  }
  if (installed()) return;
  console.log('packages  npm ci');
  let interrupted = false;
  // Ctrl-C reaches npm, too, which takes back what it has begun: this process ends behind it.
  const interrupt = () => {
    interrupted = true;
  };
  process.on('SIGINT', interrupt);
  const failure = await npmCi();
  process.off('SIGINT', interrupt);
  if (interrupted) process.exit(130);
  if (failure === undefined) return;
  console.error(`npm ci failed${failure}`);
  process.exit(1);
}

/** Answers why it failed; undefined when it did not. */
async function npmCi() {
  try {
    const npm = spawn('npm', ['ci', '--include=dev', '--no-audit', '--no-fund'], {
      cwd: project,
      stdio: ['ignore', 'inherit', 'inherit'],
      shell: process.platform === 'win32',
    });
    const [code, signal] = await once(npm, 'exit');
    return code === 0 ? undefined : ` with ${signal ?? `code ${code}`}`;
  } catch (error) {
    return `: ${error.message}`;
  }
}

/** Whether node_modules holds exactly the versions of package-lock.json; npm leaves a list there when it is done. */
function installed() {
  try {
    const wanted = packagesIn(join(project, 'package-lock.json'));
    const present = packagesIn(join(project, 'node_modules', '.package-lock.json'));
    return Object.entries(wanted).every(
      ([path, { version, optional }]) => path === '' || (present[path] ? present[path].version === version : optional),
    );
  } catch {
    return false;
  }
}

function packagesIn(file) {
  return JSON.parse(readFileSync(file, 'utf8')).packages;
}
