/**
 * Downloads into files. A file appears under its name only once every byte on disk has been verified:
 *
 *   .tenure-<name>-<payload>-<process>.partial    created exclusively, mode 0600; nobody else writes to it
 *        │  the bytes arrive, fsync, the digest of the file is read back
 *        ▼  rename
 *   <name>
 *
 * Two downloads into one path have a partial file each: the last rename wins, and either file is whole. A download that
 * fails removes its partial file. One that is killed leaves it; the next download of the same payload into the same
 * path, by the same user on the same host, takes it over by renaming it, and fetches only the rest.
 *
 * Not guaranteed: that two hosts which share a file system take over each other's partial files. They never do.
 */
import { createHash, type Hash, randomBytes } from 'node:crypto';
import { constants } from 'node:fs';
import { type FileHandle, lstat, open, readdir, rename, rm } from 'node:fs/promises';
import { hostname } from 'node:os';
import { basename, dirname, join, resolve } from 'node:path';
import { hasCode, TenureError } from '../tenure-error.ts';
import { type DownloadOptions, downloadFrom, type Readable } from './download.ts';

/** A partial file of this process, open for reading and writing. */
interface Partial {
  readonly path: string;
  readonly file: FileHandle;
  /** Bytes that a killed download has left in it. */
  readonly bytes: number;
}

const shortHash = (text: string) => createHash('sha256').update(text).digest('hex').slice(0, 12);
const host = shortHash(hostname());
/** A container has the same process id after each start: only those of this run are known to be in use. */
const inUse = new Set<string>();

/**
 * Reads a payload into a file, in bounded memory; an existing file or symbolic link of that name is replaced once the
 * new one is whole. The file can be read by its owner only.
 * @throws TenureError `payload_damaged` when the bytes are not those that were committed, `transfer_failed`; then
 *   nothing is left behind.
 *
 * @example
 * ```ts
 * import { downloadFile, type RecoveredJob } from 'tenure';
 *
 * const save = ({ graph }: RecoveredJob) => downloadFile(graph, 'graph.json');
 * ```
 */
export async function downloadFile(payload: Readable, path: string, options: DownloadOptions = {}): Promise<void> {
  const target = resolve(path);
  await refuseSpecial(target);
  const partial = await openPartial(target, payload);
  try {
    await fill(partial, payload, options);
    await partial.file.sync();
    await verify(partial.file, payload);
    await rename(partial.path, target);
    await syncFolder(dirname(target));
  } finally {
    await partial.file.close();
    await rm(partial.path, { force: true });
    inUse.delete(basename(partial.path));
  }
}

/** A rename would replace a device or a pipe by a file. */
async function refuseSpecial(target: string): Promise<void> {
  const found = await lstat(target).catch(unlessMissing);
  if (!found || found.isFile() || found.isSymbolicLink()) return;
  const what = found.isDirectory() ? 'a directory' : 'not a regular file';
  throw Object.assign(new Error(`"${target}" is ${what}; give the path of a file.`), { code: 'EEXIST' });
}

async function fill({ file, bytes }: Partial, payload: Readable, options: DownloadOptions): Promise<void> {
  const hash = createHash('sha256');
  await digest(file, hash, bytes);
  try {
    await write(file, downloadFrom(payload, options, hash, bytes), bytes);
  } catch (error) {
    if (bytes === 0 || !hasCode(error, 'payload_damaged')) throw error;
    // The resumed part may be the damaged one: only all of the payload's own bytes tell.
    await file.truncate();
    await write(file, downloadFrom(payload, options, createHash('sha256'), 0), 0);
  }
}

async function write(file: FileHandle, pieces: AsyncIterable<Uint8Array>, from: number): Promise<void> {
  let position = from;
  for await (const piece of pieces) {
    for (let at = 0; at < piece.byteLength; ) {
      const { bytesWritten } = await file.write(piece, at, piece.byteLength - at, position);
      at += bytesWritten;
      position += bytesWritten;
    }
  }
}

/** The bytes that arrived were right; this is about those that the disk has kept. */
async function verify(file: FileHandle, { bytes, sha256 }: Readable): Promise<void> {
  const hash = createHash('sha256');
  const { size } = await file.stat();
  if (size === bytes) await digest(file, hash, bytes);
  const found = size === bytes ? hash.digest('hex') : undefined;
  if (found === sha256) return;
  throw new TenureError(
    `The file on disk has ${size} bytes and the SHA-256 ${found ?? '(not read)'} instead of ${bytes} and ${sha256}; check the disk and download again.`,
    { code: 'transfer_failed', status: 0, retryable: true, request: 'GET payload' },
  );
}

async function digest(file: FileHandle, hash: Hash, bytes: number): Promise<void> {
  const buffer = Buffer.allocUnsafeSlow(Math.min(1024 ** 2, Math.max(1, bytes)));
  for (let at = 0; at < bytes; ) {
    const { bytesRead } = await file.read(buffer, 0, Math.min(buffer.byteLength, bytes - at), at);
    if (bytesRead === 0) return;
    hash.update(buffer.subarray(0, bytesRead));
    at += bytesRead;
  }
}

/** A rename is on disk once its folder is. */
async function syncFolder(folder: string): Promise<void> {
  const opened = await open(folder, constants.O_RDONLY);
  try {
    await opened.sync();
  } finally {
    await opened.close();
  }
}

async function openPartial(target: string, payload: Readable): Promise<Partial> {
  const folder = dirname(target);
  const stem = `.tenure-${shortHash(basename(target))}-`;
  const kept = `${stem}${payload.sha256.slice(0, 16)}-`;
  const name = `${kept}${host}-${process.pid}-${randomBytes(6).toString('hex')}.partial`;
  const path = join(folder, name);
  inUse.add(name);
  for (const left of await listAbandoned(folder, stem)) {
    if (!left.startsWith(kept)) await rm(join(folder, left), { force: true });
    else if (await takeOver(join(folder, left), path)) return await reopen(path, payload);
  }
  return { path, file: await open(path, 'wx+', 0o600), bytes: 0 };
}

/** Partial files for this name whose downloads were killed on this host. */
async function listAbandoned(folder: string, stem: string): Promise<string[]> {
  const names = (await readdir(folder)).filter((name) => name.startsWith(stem) && name.endsWith('.partial'));
  const found: string[] = [];
  for (const name of names) if (isAbandoned(name) && (await isOwn(join(folder, name)))) found.push(name);
  return found;
}

function isAbandoned(name: string): boolean {
  const [, , , of, pid] = name.split('-');
  if (of !== host || inUse.has(name)) return false;
  if (Number(pid) === process.pid) return true;
  try {
    process.kill(Number(pid), 0);
    return false;
  } catch (error) {
    // EPERM says that it runs, as another user.
    return (error as NodeJS.ErrnoException).code === 'ESRCH';
  }
}

/** A regular file of this user that has no other name. */
async function isOwn(path: string): Promise<boolean> {
  const found = await lstat(path).catch(unlessMissing);
  return found?.isFile() === true && found.uid === process.getuid?.() && found.nlink === 1;
}

/** Only one of those that try gets it: the others find the old name gone. */
async function takeOver(left: string, path: string): Promise<boolean> {
  return rename(left, path).then(
    () => true,
    (error: NodeJS.ErrnoException) => unlessMissing(error) ?? false,
  );
}

async function reopen(path: string, { bytes: most }: Readable): Promise<Partial> {
  const file = await open(path, constants.O_RDWR | constants.O_NOFOLLOW);
  const { size } = await file.stat();
  if (size <= most) return { path, file, bytes: size };
  await file.truncate();
  return { path, file, bytes: 0 };
}

function unlessMissing(error: NodeJS.ErrnoException): undefined {
  if (error.code !== 'ENOENT') throw error;
}
