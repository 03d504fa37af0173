import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';

const run = promisify(execFile);

test('a download that the disk takes only a part of fails, and no file appears', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'tenure-full-disk-'));
  const download = [process.execPath, fileURLToPath(new URL('full-disk.mjs', import.meta.url)), join(folder, 'state')];
  try {
    // A limit of less than a piece does what a disk does that is just full: the first write is short, the next one
    // fails.
    const { stdout } = await run('sh', ['-c', 'ulimit -f 1000 && exec "$@"', 'sh', ...download]);
    expect(JSON.parse(stdout)).toEqual({ outcome: 'EFBIG', there: false });
  } finally {
    await rm(folder, { recursive: true });
  }
});
