import { spawnSync } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { compileInto, digests, files } from '../../../../emulator/dynamodb/compile-launcher.ts';
import { project } from '../../../support/stack.ts';

const shipped = (file: string) => readFile(join(project, 'emulator/dynamodb', file));

test('the shipped classes are those of the source', async () => {
  expect(digests(), 'run npm run launcher').toBe((await shipped('LoopbackServer.sha256')).toString());
  const version = spawnSync('javac', ['-version'], { encoding: 'utf8' });
  // Other compilers may write other bytes; without one the digests alone speak.
  if (version.error || !version.stdout.startsWith('javac 17.')) return;
  const folder = await mkdtemp(join(tmpdir(), 'launcher-'));
  expect(compileInto(folder)).toBeUndefined();
  for (const file of files.filter((name) => name.endsWith('.class'))) {
    expect((await readFile(join(folder, file))).equals(await shipped(file)), file).toBe(true);
  }
  await rm(folder, { recursive: true });
});
