import { maxAppendBytes, maxEntries } from '../../api/operations/log.ts';

interface Placed {
  readonly first: number;
  readonly last: number;
}

interface Member {
  readonly offset: number;
  readonly count: number;
  resolve(placed: Placed): void;
  reject(error: unknown): void;
}

/**
 * Appends that were called while another request was under way: they share the next one, and each gets its own answer.
 */
export class AppendGroup {
  readonly entries: Uint8Array[] = [];
  readonly #members: Member[] = [];
  #bytes = 0;

  /** Whether one request can carry these entries, too. */
  fits(entries: readonly Uint8Array[]): boolean {
    const bytes = entries.reduce((sum, { length }) => sum + length, this.#bytes);
    return this.entries.length + entries.length <= maxEntries && bytes <= maxAppendBytes;
  }

  join(entries: readonly Uint8Array[]): Promise<Placed> {
    const offset = this.entries.length;
    this.entries.push(...entries);
    this.#bytes = entries.reduce((sum, { length }) => sum + length, this.#bytes);
    return new Promise((resolve, reject) => {
      this.#members.push({ offset, count: entries.length, resolve, reject });
    });
  }

  placed({ first }: Placed): void {
    for (const { offset, count, resolve } of this.#members) {
      resolve({ first: first + offset, last: first + offset + count - 1 });
    }
  }

  /** One request is in the log as a whole, or not at all. */
  failed(error: unknown): void {
    for (const { reject } of this.#members) reject(error);
  }
}
