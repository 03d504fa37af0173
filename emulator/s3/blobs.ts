import { randomUUID } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { open, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';

/** A run of bytes within a blob file. */
export interface Segment {
  blob: string;
  size: number;
}

/**
 * Files of bytes that are written once and never changed. A record names them; one that no record names is rubbish and
 * goes at the next start. Removing one that is being read waits for the reader.
 */
export class Blobs {
  #folder: string;
  #readers = new Map<string, number>();
  #doomed = new Set<string>();

  constructor(folder: string) {
    this.#folder = folder;
  }

  /** Writes a new blob through `fill`, and removes it again when that throws. */
  async create<T>(fill: (write: (piece: Buffer) => Promise<void>) => Promise<T>): Promise<{ blob: string; result: T }> {
    const blob = randomUUID();
    const file = await open(this.#path(blob), 'wx');
    try {
      const result = await fill(async (piece) => {
        // A short write is no error to the file system: continue until all is in.
        for (let done = 0; done < piece.length; ) done += (await file.write(piece, done)).bytesWritten;
      });
      await file.close();
      return { blob, result };
    } catch (cause) {
      await file.close();
      await this.remove([blob]);
      throw cause;
    }
  }

  /** The bytes from `start` to `end` (inclusive) of blobs in a row; they stay readable until the stream is closed. */
  read(segments: Segment[], start: number, end: number): Readable {
    const wanted = cut(segments, start, end);
    for (const { blob } of wanted) this.#readers.set(blob, (this.#readers.get(blob) ?? 0) + 1);
    const stream = Readable.from(this.#pieces(wanted), { objectMode: false });
    stream.once('close', () => this.#release(wanted.map(({ blob }) => blob)));
    return stream;
  }

  async remove(blobs: string[]) {
    for (const blob of blobs) {
      if (this.#readers.has(blob)) this.#doomed.add(blob);
      else await rm(this.#path(blob), { force: true });
    }
  }

  async removeAllBut(kept: Set<string>) {
    await this.remove((await readdir(this.#folder)).filter((blob) => !kept.has(blob)));
  }

  async *#pieces(wanted: Piece[]): AsyncGenerator<Buffer> {
    for (const { blob, from, to } of wanted) {
      let missing = to - from + 1;
      for await (const piece of createReadStream(this.#path(blob), { start: from, end: to })) {
        missing -= piece.length;
        yield piece;
      }
      // Silence here would leave the client waiting for bytes that never come.
      if (missing > 0) throw new Error(`${this.#path(blob)} is ${missing} bytes shorter than its record says`);
    }
  }

  #release(blobs: string[]) {
    for (const blob of blobs) {
      const left = (this.#readers.get(blob) ?? 1) - 1;
      if (left > 0) this.#readers.set(blob, left);
      else this.#readers.delete(blob);
    }
    const free = blobs.filter((blob) => !this.#readers.has(blob) && this.#doomed.delete(blob));
    // Nobody waits here; what is left behind goes at the next start.
    this.remove(free).catch((cause: unknown) => console.error(`S3: cannot remove ${free.join(', ')}: ${cause}`));
  }

  #path(blob: string): string {
    return join(this.#folder, blob);
  }
}

interface Piece {
  blob: string;
  from: number;
  to: number;
}

function cut(segments: Segment[], start: number, end: number): Piece[] {
  const pieces: Piece[] = [];
  let offset = 0;
  for (const { blob, size } of segments) {
    const from = Math.max(start - offset, 0);
    const to = Math.min(end - offset, size - 1);
    if (from <= to) pieces.push({ blob, from, to });
    offset += size;
  }
  return pieces;
}
