import { createHash, type Hash } from 'node:crypto';
import { type FileHandle, open, stat } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { TenureError } from '../tenure-error.ts';
import { unlessAborted } from '../transport.ts';

/** Anything that can be uploaded: bytes, a file by its path, or a stream of any length that can be read once. */
export type PayloadSource = Uint8Array | string | { readonly file: string } | AsyncIterable<Uint8Array>;

/** A stretch of bytes that can be sent, again if need be. */
export interface Block {
  readonly bytes: number;
  /** Hex. */
  readonly sha256: string;
  /** Its bytes in order; a piece is good until the next one is asked for. */
  pieces(): Iterable<Uint8Array> | AsyncIterable<Uint8Array>;
  /** To be called once it will not be sent again: its memory serves the next one. */
  release?(): void;
}

export interface Known {
  /** The size, where it is known beforehand. */
  readonly bytes?: number | undefined;
  /**
   * Cuts it into blocks of at most this size, one after the other; at least one, that may be empty. A stream is left,
   * however silent, when the signal fires.
   */
  blocks(size: (index: number) => number, signal: AbortSignal): AsyncGenerator<Block, Whole>;
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
  return { blocks: (size, signal) => cutStream(untilAborted(signal, source), size) };
}

const hexOf = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');

const memoryBlock = (bytes: Uint8Array): Block => ({
  bytes: bytes.byteLength,
  sha256: hexOf(bytes),
  pieces: () => (bytes.byteLength === 0 ? [] : [bytes]),
});

async function* cutMemory(all: Uint8Array, size: (index: number) => number): AsyncGenerator<Block, Whole> {
  let start = 0;
  for (let index = 0; start < all.byteLength || index === 0; index += 1) {
    const block = all.subarray(start, start + size(index));
    yield memoryBlock(block);
    start += block.byteLength;
  }
  return { bytes: all.byteLength, sha256: hexOf(all) };
}

/**
 * Reads the file once to know the digests; the upload of a block reads its stretch again, so that none has to be held.
 */
async function* cutFile(path: string, bytes: number, size: (index: number) => number): AsyncGenerator<Block, Whole> {
  const whole = createHash('sha256');
  const file = await open(path);
  try {
    let start = 0;
    for (let index = 0; start < bytes || index === 0; index += 1) {
      const length = Math.min(size(index), bytes - start);
      const sha256 = await digestOf(file, start, length, whole);
      const from = start;
      yield { bytes: length, sha256, pieces: () => stretchOf(path, from, length) };
      start += length;
    }
  } finally {
    await file.close();
  }
  return { bytes, sha256: whole.digest('hex') };
}

async function digestOf(file: FileHandle, start: number, length: number, whole: Hash): Promise<string> {
  const part = createHash('sha256');
  for await (const piece of readStretch(file, start, length)) {
    part.update(piece);
    whole.update(piece);
  }
  return part.digest('hex');
}

async function* stretchOf(path: string, start: number, length: number): AsyncGenerator<Uint8Array> {
  const file = await open(path);
  try {
    yield* readStretch(file, start, length);
  } finally {
    await file.close();
  }
}

const pieceBytes = 512 * 1024;

/** Through one buffer, which each piece overwrites. */
async function* readStretch(file: FileHandle, start: number, length: number): AsyncGenerator<Uint8Array> {
  const buffer = Buffer.allocUnsafeSlow(Math.min(pieceBytes, length));
  for (let at = 0; at < length; ) {
    const { bytesRead } = await file.read(buffer, 0, Math.min(buffer.byteLength, length - at), start + at);
    if (bytesRead === 0) throw shortened(start + length, start + at);
    yield buffer.subarray(0, bytesRead);
    at += bytesRead;
  }
}

function shortened(expected: number, found: number): TenureError {
  return new TenureError(
    `The file had at least ${expected} bytes and now ends at ${found}: it changed during its upload; add it again when nobody writes to it.`,
    { code: 'transfer_failed', status: 0, retryable: false, request: 'the upload of a file' },
  );
}

async function* untilAborted(signal: AbortSignal, stream: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  const pieces = stream[Symbol.asyncIterator]();
  try {
    const next = () => unlessAborted(signal, pieces.next());
    for (let piece = await next(); !piece.done; piece = await next()) yield piece.value;
  } finally {
    if (stream instanceof Readable) stream.destroy();
    // Not waited for: its turn comes after a piece that may never come.
    pieces.return?.().catch(() => {});
  }
}

/**
 * Left to the garbage collector, large buffers pile up faster than they go: those that are done with are used again.
 */
async function* cutStream(
  stream: AsyncIterable<Uint8Array>,
  size: (index: number) => number,
): AsyncGenerator<Block, Whole> {
  const whole = createHash('sha256');
  const free: Buffer[] = [];
  const take = (bytes: number) => {
    const at = free.findIndex(({ byteLength }) => byteLength === bytes);
    return at < 0 ? Buffer.allocUnsafeSlow(bytes) : (free.splice(at, 1)[0] as Buffer);
  };
  let total = 0;
  let index = 0;
  let buffer = take(size(0));
  let filled = 0;
  const cut = (full: Buffer, bytes: number): Block => ({
    ...memoryBlock(full.subarray(0, bytes)),
    release: () => void (full.byteLength === size(index) && free.push(full)),
  });
  for await (const piece of stream) {
    whole.update(piece);
    total += piece.byteLength;
    for (let at = 0; at < piece.byteLength; ) {
      if (filled === buffer.byteLength) {
        yield cut(buffer, filled);
        index += 1;
        buffer = take(size(index));
        filled = 0;
      }
      const taken = piece.subarray(at, at + buffer.byteLength - filled);
      buffer.set(taken, filled);
      filled += taken.byteLength;
      at += taken.byteLength;
    }
  }
  yield cut(buffer, filled);
  return { bytes: total, sha256: whole.digest('hex') };
}
