import { spawnSync } from 'node:child_process';
import { mkdtempSync } from 'node:fs';
import { join } from 'node:path';
import { expect, inject, test } from 'vitest';
import { readPage } from '../support/docs/markdown.ts';
import { Reader } from '../support/docs/reader.ts';

const page = 'docs/start-without-a-clone.md';

test('with the packed tarballs, in an empty folder, the page says what happens', async () => {
  const reader = await Reader.begin({ folder: mkdtempSync(join(inject('consumer'), 'newcomer-')) });
  const { differences } = await reader.read(readPage(page)).finally(() => reader.close());
  expect(differences.join('\n\n')).toBe('');
}, 400_000);

test('without Java it says how to get it on three systems', () => {
  const start = join(inject('consumer'), 'node_modules/.bin/tenure-local');
  // The shell that looks for Java, and nothing else.
  const env = { HOME: inject('consumer'), PATH: '/nowhere' };
  const argv = [start, '--port', '0', '--ephemeral'];
  const { status, stderr } = spawnSync(process.execPath, argv, { encoding: 'utf8', env, timeout: 60_000 });
  expect(status).toBe(1);
  expect(stderr).toContain('DynamoDB Local needs Java 17 or newer');
  for (const command of ['apt-get install -y openjdk-17-jre-headless', 'brew install openjdk@17', 'wsl --install']) {
    expect(stderr).toContain(command);
    expect(readPage(page)).toContain(command);
  }
});

test('tenure-local runs no other app, and shows its own name', () => {
  const start = join(inject('consumer'), 'node_modules/.bin/tenure-local');
  const run = (...argv: string[]) => spawnSync(process.execPath, [start, ...argv], { encoding: 'utf8' });
  expect(run('--app', 'x.ts')).toMatchObject({ status: 64, stderr: expect.stringContaining('its own template') });
  expect(run('--help').stdout).toContain('npx tenure-local [options]');
});
