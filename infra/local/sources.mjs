/** How a clone, which has no dist/, runs the command: its sources are joined into JavaScript, anew whenever they changed. */
import { createHash } from 'node:crypto';
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const project = fileURLToPath(new URL('../..', import.meta.url));
const cli = join(project, 'client/cli');
const cache = join(project, 'node_modules/.cache/tenure');

/** Answers the folder with main.js and shell.js in it. Throws when the packages of the clone are not installed. */
export async function joinSources() {
  const folder = join(cache, state());
  if (!existsSync(folder)) await joinInto(folder);
  return folder;
}

/** Another word whenever a file that may be part of it, or a package, is another one. */
function state() {
  const files = ['client', 'functions'].flatMap((room) =>
    readdirSync(join(project, room), { recursive: true }).map((name) => join(room, name)),
  );
  const seen = createHash('sha256');
  for (const file of [...files, 'package-lock.json']) {
    const { mtimeMs, size } = statSync(join(project, file));
    seen.update(`${file} ${mtimeMs} ${size}\n`);
  }
  return seen.digest('hex').slice(0, 16);
}

/** Whole or not at all: other commands may do the same at this moment. */
async function joinInto(folder) {
  const { build } = await import('esbuild');
  mkdirSync(cache, { recursive: true });
  const fresh = mkdtempSync(join(cache, 'fresh-'));
  await build({
    entryPoints: [join(cli, 'main.ts'), join(cli, 'shell.ts')],
    outdir: fresh,
    bundle: true,
    // What an action imports when it runs stays a file of its own.
    splitting: true,
    packages: 'external',
    platform: 'node',
    target: 'node20',
    format: 'esm',
    sourcemap: true,
  });
  copyFileSync(join(cli, 'lead/guard.mjs'), join(fresh, 'guard.mjs'));
  try {
    renameSync(fresh, folder);
  } catch (cause) {
    rmSync(fresh, { recursive: true });
    if (!existsSync(folder)) throw cause;
  }
}
