/**
 * The script of `npm start`: plain JavaScript without a dependency, because on a fresh clone nothing is installed yet.
 */
import { accessSync, constants, existsSync, readFileSync, statSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { cacheFolder, joinSources, nameOfClone } from '../cli/join-sources.mjs';
import { installIfNeeded } from './install.mjs';

const startedAt = Date.now();
const project = join(dirname(fileURLToPath(import.meta.url)), '..');

await installIfNeeded();

// It warns about a Node version that is still supported; npm start checks the version itself.
process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED ??= 'true';
process.setSourceMapsEnabled(true);
console.log(`starting  with Node ${process.versions.node}`);
const folder = await joinSources({
  rooms: ['emulator', 'cli'],
  entries: ['emulator/start.ts'],
  beside: [
    'emulator/lambda/worker.mjs',
    'emulator/dynamodb/LoopbackServer.class',
    'emulator/dynamodb/LoopbackServer$Guard.class',
  ],
});
const { start } = await import(pathToFileURL(join(folder, 'start.js')).href);
const folders = { project, cache: cacheFolder(), data: dataFolder() };
await start(folders, process.argv.slice(2), startedAt, endOfParent());

/**
 * Where the state is kept unless --data says otherwise: in the folder from which this was started, or for a user who
 * may not write there, the second one of a clone, in a folder of their own.
 */
function dataFolder() {
  const here = resolve('.tenure');
  const found = statSync(here, { throwIfNoEntry: false });
  const owns = found && (process.getuid === undefined || found.uid === process.getuid());
  if (owns || (!found && isWritable('.'))) return '.tenure';
  return join(homedir(), '.local/state/tenure', nameOfClone());
}

function isWritable(folder) {
  try {
    accessSync(folder, constants.W_OK);
    return true;
  } catch {
    return false;
  }
}

/** Tells whether npm, or a test, that started this is gone. A shell that put this into its background may go. */
function endOfParent() {
  const parent = process.ppid;
  if (process.env.STOP_WITH_PARENT === '1') return () => process.ppid !== parent;
  if (process.env.npm_lifecycle_event !== 'start') return () => false;
  const npm = parentOfShell(parent);
  return () => process.ppid !== parent || (npm !== undefined && parentOfShell(parent) !== npm);
}

/**
 * npm puts a shell between itself and this process, which outlives it. Undefined where there is no /proc, or no shell.
 */
function parentOfShell(pid) {
  const file = `/proc/${pid}/stat`;
  if (!existsSync(file)) return undefined;
  const [, name, rest] = /\((.*)\) \S (\d+)/.exec(readFileSync(file, 'utf8')) ?? [];
  return /^(da|ba|z|a|k)?sh$/.test(name) ? rest : undefined;
}
