import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { chmod, chown, mkdir, mkdtemp, readdir, readFile, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { takeDataFolder } from '../../../emulator/data-folder.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'data-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

test('a folder belongs to one stack until it is released', async () => {
  const mine = await takeDataFolder(folder);
  await mine.describe({ api: 'http://127.0.0.1:1' });
  await expect(takeDataFolder(folder)).rejects.toThrow(
    `${folder} is in use by the stack with process id ${process.pid} (http://127.0.0.1:1): stop that one, or give this one another folder with --data DIR`,
  );
  await mine.release();
  expect(existsSync(join(folder, 'stack.json'))).toBe(false);
  await (await takeDataFolder(folder)).release();
});

test.each([false, true])('of many that want it at once, one gets it (left by a dead process: %s)', async (stale) => {
  if (stale) await writeFile(join(folder, 'lock'), JSON.stringify({ pid: spawnSync('true').pid, began: '1' }));
  const taken = await Promise.allSettled(Array.from({ length: 20 }, () => takeDataFolder(folder)));
  expect(taken.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
  expect(await readdir(folder)).toEqual(['lock']);
});

test('the lock of a dead process is taken over', async () => {
  const { pid } = spawnSync('true');
  await writeFile(join(folder, 'lock'), JSON.stringify({ pid, began: '1' }));
  await writeFile(join(folder, 'stack.json'), '{"api":"stale"}');
  await takeDataFolder(folder);
  expect(existsSync(join(folder, 'stack.json'))).toBe(false);
  expect(JSON.parse(await readFile(join(folder, 'lock'), 'utf8'))).toMatchObject({ pid: process.pid });
});

test.runIf(existsSync('/proc/self/stat'))('so is that of one whose process id was given to another', async () => {
  await writeFile(join(folder, 'lock'), JSON.stringify({ pid: process.pid, began: '1' }));
  await (await takeDataFolder(folder)).release();
});

test('a lock that cannot be read is left alone', async () => {
  await writeFile(join(folder, 'lock'), 'not json');
  await expect(takeDataFolder(folder)).rejects.toThrow('is not readable as a lock');
  expect(await readFile(join(folder, 'lock'), 'utf8')).toBe('not json');
});

test('an ephemeral folder goes altogether', async () => {
  const mine = await takeDataFolder(undefined);
  await writeFile(join(mine.path, 'something'), 'x');
  await mine.release();
  expect(existsSync(mine.path)).toBe(false);
});

test('leftovers of killed processes go: locks half taken, a turn to take over, ephemeral folders', async () => {
  const { pid } = spawnSync('true');
  const longAgo = new Date(Date.now() - 3_600_000);
  const dead = JSON.stringify({ pid, began: '1' });
  await writeFile(join(folder, 'lock'), dead);
  const half = join(folder, 'lock.0250e988-c625-4d92-bdce-ad9aeacefa3e');
  await writeFile(half, dead);
  await mkdir(join(folder, 'lock.takeover'));
  for (const left of [half, join(folder, 'lock.takeover')]) await utimes(left, longAgo, longAgo);
  const mine = await takeDataFolder(folder);
  expect(await readdir(folder)).toEqual(['lock']);
  await mine.release();

  const running = await takeDataFolder(undefined);
  const left = await mkdtemp(join(tmpdir(), 'tenure-ephemeral-'));
  await writeFile(join(left, 'lock'), dead);
  await (await takeDataFolder(undefined)).release();
  expect([existsSync(left), existsSync(running.path)]).toEqual([false, true]);
  await running.release();
});

test('a folder of another user is refused before anything is written there', async () => {
  const foreign = process.getuid?.() === 0 ? folder : '/usr';
  if (foreign === folder) await chown(folder, 12_345, 12_345);
  const before = await readdir(foreign);
  await expect(takeDataFolder(foreign)).rejects.toThrow(
    new RegExp(`^${foreign} belongs to the user with the ID \\d+, and you have \\d+: give a folder of your own`),
  );
  expect(await readdir(foreign)).toEqual(before);
});

test('a folder to which every user may write is refused', async () => {
  await chmod(folder, 0o777);
  await expect(takeDataFolder(folder)).rejects.toThrow(`Every user may write to ${folder}: give a folder of your own`);
  await chmod(folder, 0o700);
  await (await takeDataFolder(folder)).release();
});

test('a folder that is made is for its owner only', async () => {
  const mine = await takeDataFolder(join(folder, 'made'));
  expect((await stat(mine.path)).mode & 0o777).toBe(0o700);
  await mine.release();
});
