/** The lines of an archive's file, as it is read. */
import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';
import type { EntriesFile } from '../api/archive.ts';
import type { ArchiveFiles } from './ports.ts';

/** An entry of 256 KiB has 350 KB in base64. */
export const longestLine = 2 * 1024 ** 2;

type DamageError = new (message: string) => Error;

/**
 * The lines of a file of entries, in batches as they are unpacked, and never more bytes than the manifest promises. Its
 * size and digest are known only at its end: what was yielded before may be acted upon only where the whole file was
 * verified before.
 */
export async function* entryBatches(
  files: ArchiveFiles,
  { name, bytes, sha256, unpacked: promised }: EntriesFile,
  Damage: DamageError,
): AsyncGenerator<Buffer[]> {
  const stream = await files.open(name);
  if (!stream) throw new Damage(`${name} is missing`);
  const digest = createHash('sha256');
  let size = 0;
  const counted = async function* () {
    for await (const chunk of stream) {
      digest.update(chunk);
      size += chunk.length;
      if (size > bytes) throw new Damage(`${name} has more than the ${bytes} bytes that it should have`);
      yield chunk;
    }
  };
  const packed = Readable.from(counted(), { objectMode: false });
  const unpacked = createGunzip({ chunkSize: 256 * 1024 });
  packed.on('error', (error) => unpacked.destroy(error));
  let rest: Buffer = Buffer.alloc(0);
  let unpackedBytes = 0;
  let broken: Error | undefined;
  try {
    for await (const chunk of packed.pipe(unpacked)) {
      unpackedBytes += (chunk as Buffer).length;
      if (unpackedBytes > promised)
        throw new Damage(`${name} unpacks to more than the ${promised} bytes it should have`);
      const lines: Buffer[] = [];
      const piece: Buffer = rest.length > 0 ? Buffer.concat([rest, chunk as Buffer]) : (chunk as Buffer);
      let from = 0;
      for (let end = piece.indexOf(10); end !== -1; end = piece.indexOf(10, from)) {
        lines.push(piece.subarray(from, end));
        from = end + 1;
      }
      rest = piece.subarray(from);
      if (rest.length > longestLine) throw new Damage(`${name} has a line of more than ${longestLine} bytes`);
      if (lines.length > 0) yield lines;
    }
  } catch (error) {
    if (!isUnpackingError(error)) throw error;
    broken = error;
  } finally {
    packed.destroy();
    unpacked.destroy();
  }
  if (broken) throw new Damage(`${name} cannot be unpacked: ${broken.message}`);
  if (unpackedBytes !== promised) {
    throw new Damage(`${name} unpacks to ${unpackedBytes} bytes instead of ${promised}`);
  }
  if (size !== bytes) throw new Damage(`${name} has ${size} bytes instead of ${bytes}`);
  const found = digest.digest('hex');
  if (found !== sha256) throw new Damage(`${name} has the SHA-256 ${found} instead of ${sha256}`);
  if (rest.length > 0) throw new Damage(`${name} ends in the middle of a line`);
}

function isUnpackingError(error: unknown): error is Error {
  const { code } = error as { code?: unknown };
  return error instanceof Error && typeof code === 'string' && code.startsWith('Z_');
}
