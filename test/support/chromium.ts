import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { type Browser, chromium } from 'playwright-core';

/** A browser for which every name below `example` is an address of this machine, as a rebound name would be. */
export async function startBrowser(): Promise<Browser> {
  const folders = (process.env['PATH'] ?? '').split(delimiter);
  const executablePath = folders.map((folder) => join(folder, 'chromium')).find(existsSync);
  if (!executablePath) throw new Error('Chromium is missing: apt-get install -y chromium');
  return chromium.launch({
    executablePath,
    args: [
      // For a root user, as in a container, it has no sandbox.
      ...(process.getuid?.() === 0 ? ['--no-sandbox'] : []),
      '--host-resolver-rules=MAP *.example 127.0.0.1',
      // The browser's own guard of the local network would hide what ours does.
      '--disable-features=LocalNetworkAccessChecks',
    ],
  });
}
