import { maxAppendBytes, maxEntries } from '../../api/operations/log.ts';
import { hasCode, TenureError } from '../tenure-error.ts';

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

interface Kept {
  readonly index: number;
  readonly position: number;
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

  /** Each member learns what became of its own entries. */
  failed(error: unknown): void {
    const kept = hasCode(error, 'exclusivity_lost') ? (error.members['kept'] as readonly Kept[]) : undefined;
    for (const { offset, count, resolve, reject } of this.#members) {
      const own = kept?.filter(({ index }) => index >= offset && index < offset + count);
      const [first] = own ?? [];
      if (own?.length === count && first) resolve({ first: first.position, last: first.position + count - 1 });
      else if (own && error instanceof TenureError) reject(onlyKept(error, own, offset));
      else reject(error);
    }
  }
}

function onlyKept(error: TenureError, own: readonly Kept[], offset: number): TenureError {
  const kept = own.map(({ index, position }) => ({ index: index - offset, position }));
  const { code, status, retryable, retryAfterMs, request, requestId } = error;
  const facts = { code, status, retryable, retryAfterMs, request, requestId, members: { ...error.members, kept } };
  return new TenureError(error.message, facts, { cause: error });
}
