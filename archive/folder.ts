/** An archive in a local folder: what `file://` means. */
import { createHash, randomUUID } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdir, open, rename, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { PayloadFile } from '../api/archive.ts';
import { payloadName, type ReferredPayload } from './format.ts';
import type { ArchiveFiles, ArchiveTarget } from './ports.ts';

export function folderFiles(folder: string): ArchiveFiles {
  return {
    async open(name) {
      const path = join(folder, name);
      const there = await stat(path).catch(() => undefined);
      return there?.isFile() ? createReadStream(path, { highWaterMark: 256 * 1024 }) : undefined;
    },
  };
}

/** Reads a payload of the group from wherever it lies; undefined when it is not there. */
export type OpenPayload = (payload: ReferredPayload) => Promise<AsyncIterable<Uint8Array> | undefined>;

/** Makes a folder, and those above it that are missing, for nobody but this user. */
export async function makeFolder(folder: string): Promise<void> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
}

/** Writes an archive into a folder, which is made if it is missing, for nobody but this user. */
export function folderTarget(folder: string, openPayload: OpenPayload): ArchiveTarget {
  return {
    put: (name, bytes) => writeWhole(join(folder, name), [bytes]),

    async copy(payload) {
      const { jobId, payloadId, bytes, sha256 } = payload;
      const name = payloadName(jobId, payloadId);
      const stream = await openPayload(payload);
      if (!stream) return { unreadable: { name, reason: 'its payload is missing' } };
      const digest = createHash('sha256');
      let size = 0;
      const tee = async function* () {
        for await (const chunk of stream) {
          digest.update(chunk);
          size += chunk.length;
          yield chunk;
        }
      };
      await writeWhole(join(folder, name), tee());
      const file: PayloadFile = { name, bytes: size, sha256: digest.digest('hex') };
      if (file.bytes === bytes && file.sha256 === sha256) return { file };
      const reason = `its payload has ${size} bytes and the SHA-256 ${file.sha256} instead of ${bytes} and ${sha256}`;
      return { unreadable: { name, reason } };
    },
  };
}

/** Files that are being written end in this. */
export const partialEnding = '.part';

/** Writes a file that appears under its name only once all of it is on disk. */
async function writeWhole(path: string, pieces: Iterable<Uint8Array> | AsyncIterable<Uint8Array>): Promise<void> {
  await makeFolder(dirname(path));
  // Nobody else can have made this name: no link is followed, and no other process writes to it.
  const partial = `${path}.${randomUUID()}${partialEnding}`;
  const file = await open(partial, 'wx', 0o600);
  try {
    for await (const piece of pieces) await file.writeFile(piece);
    await file.sync();
  } catch (error) {
    await rm(partial, { force: true });
    throw error;
  } finally {
    await file.close();
  }
  await rename(partial, path);
}

export async function digestOfFile(path: string): Promise<string> {
  const digest = createHash('sha256');
  for await (const chunk of createReadStream(path, { highWaterMark: 256 * 1024 })) digest.update(chunk as Buffer);
  return digest.digest('hex');
}
