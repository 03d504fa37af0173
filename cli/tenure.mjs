#!/usr/bin/env node
/**
 * The command `tenure`: plain JavaScript that can run from a clone, where the sources are TypeScript, and from the
 * package.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
if (major < 20 || (major === 20 && minor < 19)) {
  console.error(
    `tenure needs Node 20.19 or newer, this is ${process.versions.node}: install a newer one from https://nodejs.org`,
  );
  process.exit(64);
}
process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED ??= 'true';

const isClone = existsSync(new URL('main.ts', import.meta.url));
const folder = isClone ? await sources() : fileURLToPath(new URL('../dist/cli', import.meta.url));
const { runCli } = await import(pathToFileURL(join(folder, 'main.js')).href);
const { processShell } = await import(pathToFileURL(join(folder, 'process-shell.js')).href);
// The reader of our output may go away (tenure … | head). That ends us quietly, unless a command with its own output
// runs under a lease.
const runsCommand = ['lead', 'lock', 'semaphore'].includes(process.argv[2]);
process.stdout.on('error', (error) => {
  if (error.code !== 'EPIPE') unprinted(error.message);
  if (!runsCommand) process.exit(0);
});
process.stderr.on('error', () => {});
// Node has opened /dev/null in their place, as a parent that wants no output does: only cli/tenure can tell.
const closed = process.env.TENURE_CLOSED?.split(' ') ?? [];
delete process.env.TENURE_CLOSED;
if (closed.includes('1') && !runsCommand) unprinted('it is closed');
process.exitCode = await runCli(process.argv.slice(2), processShell(closed));

/** EX_IOERR of sysexits.h. */
function unprinted(why) {
  const message = `cannot write to standard output (${why})`;
  const asJson = process.argv.includes('--json');
  console.error(asJson ? JSON.stringify({ error: { code: 'output_failed', message } }) : `tenure: ${message}`);
  process.exit(74);
}

async function sources() {
  process.setSourceMapsEnabled(true);
  const { joinSources } = await import('./join-sources.mjs');
  return joinSources({
    rooms: ['api', 'archive', 'cli', 'client', 'console', 'leadership', 'store'],
    entries: ['cli/main.ts', 'cli/process-shell.ts'],
    beside: ['cli/lead/guard.mjs', 'cli/lead/process-group.mjs'],
    page: 'console',
  }).catch((cause) => {
    if (cause.code !== 'ERR_MODULE_NOT_FOUND') throw cause;
    console.error('tenure: its packages are missing; run npm ci in its folder');
    process.exit(70);
  });
}
