/**
 * How a clone, which has no dist/, runs its TypeScript: sources and the packages that they use are joined into a few
 * files of JavaScript, anew whenever one of them changed: loading them one by one takes longer.
 */
import { createHash } from 'node:crypto';
import {
  accessSync,
  constants,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { homedir } from 'node:os';
import { basename, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

const project = fileURLToPath(new URL('..', import.meta.url));
const ownCache = join(project, 'node_modules/.cache/tenure');

/**
 * Where the joined files are kept: with the packages, or for a user who may not write there in a folder of their own,
 * from which the packages are found all the same.
 */
export function cacheFolder() {
  try {
    mkdirSync(ownCache, { recursive: true });
    accessSync(ownCache, constants.W_OK);
    return ownCache;
  } catch (error) {
    if (error.code !== 'EACCES' && error.code !== 'EROFS') throw error;
  }
  const folder = join(homedir(), '.cache/tenure', nameOfClone());
  mkdirSync(folder, { recursive: true });
  const packages = join(folder, 'node_modules');
  if (!existsSync(packages)) symlinkSync(join(project, 'node_modules'), packages);
  // A package.json somewhere above would speak for the files here.
  const manifest = join(folder, 'package.json');
  if (!existsSync(manifest)) writeFileSync(manifest, '{"type":"module"}');
  return folder;
}

/** The same for each user of a clone, and another for another clone. */
export function nameOfClone() {
  return createHash('sha256').update(project).digest('hex').slice(0, 16);
}

/**
 * Returns the folder that holds each entry as JavaScript and, unchanged, what is to lie beside them. `rooms`: the
 * folders whose files may be part of it. `page`: the room whose build.mjs makes the page that lies beside them, too.
 * All paths begin in the project. Throws when its packages are not installed.
 */
export async function joinSources({ rooms, entries, beside, page }) {
  const cache = cacheFolder();
  const folder = join(cache, state(rooms, entries));
  if (!existsSync(folder)) await joinInto(cache, folder, entries, beside, page);
  return folder;
}

/** Another word whenever a file that may be part of it, or a package, is another one. */
function state(rooms, entries) {
  const files = rooms.flatMap((room) =>
    readdirSync(join(project, room), { recursive: true }).map((name) => join(room, name)),
  );
  const seen = createHash('sha256').update(`${entries}\n`);
  for (const file of [...files, 'package-lock.json']) {
    const { mtimeMs, size } = statSync(join(project, file));
    seen.update(`${file} ${mtimeMs} ${size}\n`);
  }
  return seen.digest('hex').slice(0, 16);
}

const unfinishedAfterMs = 3_600_000;

/** Left by a process that was killed while it joined. */
function dropUnfinished(cache) {
  for (const name of readdirSync(cache)) {
    const folder = join(cache, name);
    if (!name.startsWith('fresh-')) continue;
    const { mtimeMs } = statSync(folder, { throwIfNoEntry: false }) ?? { mtimeMs: Date.now() };
    if (Date.now() - mtimeMs > unfinishedAfterMs) rmSync(folder, { recursive: true, force: true });
  }
}

/** Whole or not at all: others may do the same at this moment. */
async function joinInto(cache, folder, entries, beside, page) {
  const { build } = await import('esbuild');
  dropUnfinished(cache);
  const fresh = mkdtempSync(join(cache, 'fresh-'));
  await build({
    entryPoints: entries.map((entry) => join(project, entry)),
    outdir: fresh,
    bundle: true,
    // A module that is imported on demand stays a file of its own.
    splitting: true,
    external: ['esbuild'],
    platform: 'node',
    target: 'node20',
    // As Node resolves them: of a package's CommonJS form, an import() would find nothing but `default`.
    mainFields: ['module', 'main'],
    format: 'esm',
    // Packages of the older kind call it.
    banner: {
      js: "import { createRequire as requireOf } from 'node:module'; const require = requireOf(import.meta.url);",
    },
    sourcemap: true,
    logLevel: 'error',
  });
  for (const file of beside) copyFileSync(join(project, file), join(fresh, basename(file)));
  if (page) {
    const { buildConsole } = await import(pathToFileURL(join(project, page, 'build.mjs')).href);
    await buildConsole(join(fresh, page));
  }
  try {
    renameSync(fresh, folder);
  } catch (cause) {
    rmSync(fresh, { recursive: true });
    if (!existsSync(folder)) throw cause;
  }
}
