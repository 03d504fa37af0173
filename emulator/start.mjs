/** What `npm start` runs: plain JavaScript without a dependency, because on a fresh clone nothing is installed yet. */
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { joinSources } from '../cli/join-sources.mjs';
import { installIfNeeded } from './install.mjs';

const startedAt = Date.now();
const project = join(dirname(fileURLToPath(import.meta.url)), '..');

installIfNeeded();

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
await start(project, process.argv.slice(2), startedAt, endOfParent());

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
