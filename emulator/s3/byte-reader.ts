import { S3Error } from './errors.ts';

const MAX_LINE_BYTES = 16 * 1024;
const CR = 0x0d;
const LF = 0x0a;

/** Reads lines and counted bytes from a stream of buffers without ever holding more than one of them and a line. */
export class ByteReader {
  #source: AsyncIterator<Buffer>;
  #rest: Buffer = Buffer.alloc(0);

  constructor(source: AsyncIterable<Buffer>) {
    this.#source = source[Symbol.asyncIterator]();
  }

  /** The next line without its CRLF (or LF), undefined at the end of the stream. */
  async line(): Promise<string | undefined> {
    let line: Buffer = Buffer.alloc(0);
    while (line.length <= MAX_LINE_BYTES) {
      if (this.#rest.length === 0 && !(await this.#more())) {
        if (line.length === 0) return undefined;
        throw new S3Error('IncompleteBody', 'The aws-chunked body ends within a line');
      }
      const end = this.#rest.indexOf(LF);
      const taken = end < 0 ? this.#rest.length : end + 1;
      line = Buffer.concat([line, this.#rest.subarray(0, taken)]);
      this.#rest = this.#rest.subarray(taken);
      if (end >= 0 && line.length <= MAX_LINE_BYTES) {
        return line.subarray(0, line.at(-2) === CR ? -2 : -1).toString('latin1');
      }
    }
    throw new S3Error('IncompleteBody', `The aws-chunked body has a line of more than ${MAX_LINE_BYTES} bytes`);
  }

  /** The next `count` bytes in pieces; throws IncompleteBody when the stream ends before. */
  async *take(count: number): AsyncGenerator<Buffer> {
    for (let missing = count; missing > 0; ) {
      if (this.#rest.length === 0 && !(await this.#more())) {
        throw new S3Error('IncompleteBody', `The aws-chunked body ends ${missing} bytes before the end of its chunk`);
      }
      const piece = this.#rest.subarray(0, missing);
      this.#rest = this.#rest.subarray(piece.length);
      missing -= piece.length;
      yield piece;
    }
  }

  /** Lets go of the stream, which otherwise could not be drained by anybody else. */
  async close() {
    await this.#source.return?.();
  }

  async #more(): Promise<boolean> {
    const { value, done } = await this.#source.next();
    if (done) return false;
    this.#rest = value;
    return true;
  }
}
