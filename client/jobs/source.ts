import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';

/** What can be uploaded: bytes, a file by its path, or a stream of any length that can be read once. */
export type PayloadSource = Uint8Array | string | { readonly file: string } | AsyncIterable<Uint8Array>;

type Body = NonNullable<RequestInit['body']>;

/** A stretch of bytes that can be sent, again if need be. */
export interface Block {
  readonly bytes: number;
  /** Hex. */
  readonly sha256: string;
  body(): Body;
}

const hexOf = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');

export function memoryBlock(bytes: Uint8Array): Block {
  return { bytes: bytes.byteLength, sha256: hexOf(bytes), body: () => bytes as Uint8Array<ArrayBuffer> };
}

function fileBlock(file: string, start: number, bytes: number, sha256: string): Block {
  const end = start + bytes - 1;
  const body = () => (bytes === 0 ? new Uint8Array() : (createReadStream(file, { start, end }) as unknown as Body));
  return { bytes, sha256, body };
}

export interface Known {
  /** The size, where it is known beforehand. */
  readonly bytes?: number | undefined;
  /** Cuts it into blocks of at most this size, one after the other; at least one, that may be empty. */
  blocks(size: (index: number) => number): AsyncGenerator<Block, Whole>;
}

/** Size and digest of everything, once all blocks have been cut. */
export interface Whole {
  readonly bytes: number;
  readonly sha256: string;
}

export async function openSource(source: PayloadSource): Promise<Known> {
  if (typeof source === 'string') return openSource(new TextEncoder().encode(source));
  if (source instanceof Uint8Array) {
    return { bytes: source.byteLength, blocks: (size) => cutMemory(source, size) };
  }
  if ('file' in source) {
    const { size } = await stat(source.file);
    return { bytes: size, blocks: (most) => cutFile(source.file, size, most) };
  }
  return { blocks: (size) => cutStream(source, size) };
}

async function* cutMemory(all: Uint8Array, size: (index: number) => number): AsyncGenerator<Block, Whole> {
  let start = 0;
  for (let index = 0; start < all.byteLength || index === 0; index += 1) {
    const block = all.subarray(start, start + size(index));
    yield memoryBlock(block);
    start += size(index);
  }
  return { bytes: all.byteLength, sha256: hexOf(all) };
}

/** Reads the file once to know the digests; the upload of a block reads its stretch again, so that none has to be held. */
async function* cutFile(file: string, bytes: number, size: (index: number) => number): AsyncGenerator<Block, Whole> {
  const whole = createHash('sha256');
  let start = 0;
  for (let index = 0; start < bytes || index === 0; index += 1) {
    const length = Math.min(size(index), bytes - start);
    const part = createHash('sha256');
    const end = start + length - 1;
    if (length > 0) {
      for await (const piece of createReadStream(file, { start, end, highWaterMark: 1024 ** 2 })) {
        part.update(piece);
        whole.update(piece);
      }
    }
    yield fileBlock(file, start, length, part.digest('hex'));
    start += length;
  }
  return { bytes, sha256: whole.digest('hex') };
}

async function* cutStream(
  stream: AsyncIterable<Uint8Array>,
  size: (index: number) => number,
): AsyncGenerator<Block, Whole> {
  const whole = createHash('sha256');
  let total = 0;
  let index = 0;
  let block = Buffer.allocUnsafe(size(0));
  let filled = 0;
  for await (const piece of stream) {
    whole.update(piece);
    total += piece.byteLength;
    for (let at = 0; at < piece.byteLength; ) {
      if (filled === block.byteLength) {
        yield memoryBlock(block);
        index += 1;
        block = Buffer.allocUnsafe(size(index));
        filled = 0;
      }
      const taken = piece.subarray(at, at + block.byteLength - filled);
      block.set(taken, filled);
      filled += taken.byteLength;
      at += taken.byteLength;
    }
  }
  yield memoryBlock(block.subarray(0, filled));
  return { bytes: total, sha256: whole.digest('hex') };
}
