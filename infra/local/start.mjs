/** What `npm start` runs: plain JavaScript without a dependency, because on a fresh clone nothing is installed yet. */
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { installIfNeeded } from './install.mjs';

const startedAt = Date.now();
const project = join(dirname(fileURLToPath(import.meta.url)), '..', '..');

installIfNeeded();

// What it warns of, a Node version that is still supported, is npm start's own first check.
process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED ??= 'true';
const { register } = await import('tsx/esm/api');
register();
const { start } = await import('./start.ts');
// The end of npm, or of a test, is watched; a shell that put this into its background may go.
const parent = process.ppid;
const watched = process.env.npm_lifecycle_event === 'start' || process.env.STOP_WITH_PARENT === '1';
const parentGone = () => watched && process.ppid !== parent;
await start(project, process.argv.slice(2), startedAt, parentGone);
