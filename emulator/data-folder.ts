import { randomUUID } from 'node:crypto';
import { mkdtempSync, readFileSync } from 'node:fs';
import { link, mkdir, readdir, readFile, rename, rm, rmdir, stat, unlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';

export interface DataFolder {
  path: string;
  ephemeral: boolean;
  /** Read by other tools once the stack is ready. */
  describe(stack: object): Promise<void>;
  /** Takes the description and the lock away, and with an ephemeral folder everything. */
  release(): Promise<void>;
}

interface Owner {
  pid: number;
  /** When that process began, so that a number given again to another process is not taken for it. */
  began: string;
}

/**
 * Takes a folder for one stack, and what a dead one left there. Throws, naming the other's process ID and address, when
 * a running stack has it, and when it belongs to another user or others may write to it: they could exchange what the
 * stack trusts.
 */
export async function takeDataFolder(data: string | undefined): Promise<DataFolder> {
  const ephemeral = data === undefined;
  if (ephemeral) await dropLeft();
  const path = ephemeral ? mkdtempSync(join(tmpdir(), ephemeralPrefix)) : resolve(data);
  await mkdir(path, { recursive: true, mode: 0o700 });
  await refuseForeign(path);
  await lock(path);
  await dropUnused(path);
  const description = join(path, 'stack.json');
  await rm(description, { force: true });
  return {
    path,
    ephemeral,
    async describe(stack) {
      await writeFile(`${description}.new`, `${JSON.stringify(stack, undefined, 2)}\n`, { mode: 0o600 });
      await rename(`${description}.new`, description);
    },
    async release() {
      await rm(description, { force: true });
      await rm(join(path, 'lock'), { force: true });
      if (ephemeral) await rm(path, { recursive: true, force: true });
    },
  };
}

/** Of this kind only: what others keep in the same place is not ours. */
const ephemeralPrefix = 'tenure-ephemeral-';
const leftAfterMs = 60_000;

/** Ephemeral folders whose process was killed before it could remove them. */
async function dropLeft(): Promise<void> {
  const all = await readdir(tmpdir(), { withFileTypes: true });
  for (const { name } of all.filter((entry) => entry.isDirectory() && entry.name.startsWith(ephemeralPrefix))) {
    const folder = join(tmpdir(), name);
    const { uid, mtimeMs } = await stat(folder).catch(() => ({ uid: -1, mtimeMs: 0 }));
    if (uid !== process.getuid?.()) continue;
    const owner = await ownerOf(join(folder, 'lock')).catch(() => undefined);
    const isLeft = owner ? !isAlive(owner) : Date.now() - mtimeMs > leftAfterMs;
    if (isLeft) await rm(folder, { recursive: true, force: true });
  }
}

/** Files of processes that were killed while they wanted the lock. */
async function dropUnused(folder: string): Promise<void> {
  for (const name of await readdir(folder)) {
    if (!/^lock\.[0-9a-f-]{36}$/.test(name)) continue;
    const file = join(folder, name);
    const { mtimeMs } = await stat(file).catch(() => ({ mtimeMs: Date.now() }));
    if (Date.now() - mtimeMs > leftAfterMs) await rm(file, { force: true });
  }
}

async function refuseForeign(folder: string): Promise<void> {
  const me = process.getuid?.();
  if (me === undefined) return;
  const { uid, mode } = await stat(folder);
  const remedy = 'give a folder of your own with --data DIR';
  if (uid !== me) throw new Error(`${folder} belongs to the user with the ID ${uid}, and you have ${me}: ${remedy}`);
  if (mode & 0o002) throw new Error(`Every user may write to ${folder}: ${remedy}, or run chmod o-w on it`);
}

/** Each takes away what a dead process left, or meets another that starts at the same moment. */
const lockTries = 100;

async function lock(folder: string): Promise<void> {
  const file = join(folder, 'lock');
  const mine = `${file}.${randomUUID()}`;
  await writeFile(mine, JSON.stringify({ pid: process.pid, began: beganAt(process.pid) } satisfies Owner));
  try {
    for (let tries = 0; tries < lockTries; tries += 1) {
      // A link appears with its content: nobody can read a lock that is not written yet.
      const taken = await link(mine, file).then(
        () => true,
        (cause: NodeJS.ErrnoException) => {
          if (cause.code === 'EEXIST') return false;
          throw cause;
        },
      );
      if (taken) return;
      const owner = await ownerOf(file);
      if (owner && isAlive(owner)) throw new Error(await inUse(folder, owner));
      if (owner) await removeStale(file);
    }
    throw new Error(`${file} comes and goes: remove it if no other process of Tenure runs on ${folder}`);
  } finally {
    await unlink(mine);
  }
}

const turnAfterMs = 2_000;

/**
 * Of two that find the same stale lock the slower must not remove the faster's new one: only who makes this folder may
 * remove.
 */
async function removeStale(file: string): Promise<void> {
  const turn = `${file}.takeover`;
  while (!(await made(turn))) {
    await new Promise((resolve) => setTimeout(resolve, 20));
    // Its maker needs it for moments: this one was killed.
    const { mtimeMs } = await stat(turn).catch(() => ({ mtimeMs: Date.now() }));
    if (Date.now() - mtimeMs > turnAfterMs) await rmdir(turn).catch(() => {});
  }
  try {
    const owner = await ownerOf(file);
    if (owner && !isAlive(owner)) await rm(file, { force: true });
  } finally {
    await rmdir(turn);
  }
}

function made(folder: string): Promise<boolean> {
  return mkdir(folder).then(
    () => true,
    (cause: NodeJS.ErrnoException) => {
      if (cause.code === 'EEXIST') return false;
      throw cause;
    },
  );
}

async function ownerOf(file: string): Promise<Owner | undefined> {
  try {
    return JSON.parse(await readFile(file, 'utf8')) as Owner;
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw new Error(`${file} is not readable as a lock: remove it if no stack runs on this folder`, { cause });
  }
}

function isAlive({ pid, began }: Owner): boolean {
  try {
    process.kill(pid, 0);
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ESRCH') return false;
  }
  return beganAt(pid) === began;
}

/** Empty where there is no /proc: then the process id alone decides. */
function beganAt(pid: number): string {
  try {
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').at(-1)?.split(' ');
    return fields?.[19] ?? '';
  } catch {
    return '';
  }
}

async function inUse(folder: string, { pid }: Owner): Promise<string> {
  const description = await readFile(join(folder, 'stack.json'), 'utf8').catch(() => '{}');
  const { api = 'still starting' } = JSON.parse(description) as { api?: string };
  return `${folder} is in use by the stack with process id ${pid} (${api}): stop that one, or give this one another folder with --data DIR and another --port`;
}
