#!/usr/bin/env node
/** The command `tenure`: plain JavaScript that can run from a clone, where the sources are TypeScript, and from the package. */
import { existsSync } from 'node:fs';

const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
if (major < 20 || (major === 20 && minor < 19)) {
  console.error(
    `tenure needs Node 20.19 or newer, this is ${process.versions.node}: install a newer one from https://nodejs.org`,
  );
  process.exit(64);
}
process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED ??= 'true';

const built = new URL('../../dist/client/cli/', import.meta.url);
const inPackage = existsSync(built);
const unregister = inPackage ? async () => {} : await readTypeScript();
const { runCli } = await import(inPackage ? new URL('main.js', built).href : './main.ts');
const { processShell } = await import(inPackage ? new URL('shell.js', built).href : './shell.ts');
// What reads our output may go away (tenure … | head): that ends us quietly.
process.stdout.on('error', (error) => process.exit(error.code === 'EPIPE' ? 0 : 70));
process.exitCode = await runCli(process.argv.slice(2), processShell);
await unregister();

async function readTypeScript() {
  const { register } = await import('tsx/esm/api').catch(() => {
    console.error('tenure finds no packages: run npm install in its folder');
    process.exit(70);
  });
  return register();
}
