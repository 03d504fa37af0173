#!/usr/bin/env node
/** The script of `npx tenure-local`. */
import { mkdirSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';

const startedAt = Date.now();
const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
if (major < 20 || (major === 20 && minor < 19)) {
  console.error(
    `tenure-local needs Node 20.19 or newer, this is ${process.versions.node}: install a newer one from https://nodejs.org`,
  );
  process.exit(1);
}
// It warns about a Node version that is still supported.
process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED ??= 'true';
const { start } = await import('./dist/start.js');
const cache = join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'tenure-local');
mkdirSync(cache, { recursive: true });
const folders = {
  project: import.meta.dirname,
  cache,
  data: '.tenure',
  assembly: join(import.meta.dirname, 'assembly'),
};
const parent = process.ppid;
const parentGone = () => process.env.STOP_WITH_PARENT === '1' && process.ppid !== parent;
await start(folders, process.argv.slice(2), startedAt, parentGone);
