/** An archive in a local folder: what `file://` means. */
import { createHash } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import { mkdir, rename, stat, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
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

/** Writes an archive into a folder, which is made if it is not there. A file appears under its name only when it is whole. */
export function folderTarget(folder: string, openPayload: OpenPayload): ArchiveTarget {
  const place = async (name: string, write: (path: string) => Promise<void>) => {
    const path = join(folder, name);
    await mkdir(dirname(path), { recursive: true });
    await write(`${path}.part`);
    await rename(`${path}.part`, path);
  };

  return {
    put: (name, bytes) => place(name, (path) => writeFile(path, bytes)),

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
      await place(name, (path) => pipeline(tee(), createWriteStream(path)));
      const file: PayloadFile = { name, bytes: size, sha256: digest.digest('hex') };
      if (file.bytes === bytes && file.sha256 === sha256) return { file };
      const reason = `its payload has ${size} bytes and the SHA-256 ${file.sha256} instead of ${bytes} and ${sha256}`;
      return { unreadable: { name, reason } };
    },
  };
}
