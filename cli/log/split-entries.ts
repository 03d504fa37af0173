/** The end of an entry of an input: a line feed, with a carriage return before it or not; or a NUL. */
export type Delimiter = 'line' | 'nul';

const lineFeed = 0x0a;
const carriageReturn = 0x0d;

/**
 * Cuts bytes into entries. Every byte is kept but the delimiter's own: a lone carriage return, a NUL in a line, U+2028
 * and what is no UTF-8 are content. Bytes after the last delimiter are an entry of their own, unless there are none.
 */
export function splitEntries(delimiter: Delimiter) {
  const end = delimiter === 'line' ? lineFeed : 0;
  let rest: Buffer[] = [];
  const joined = (last: Buffer) => {
    const entry = rest.length > 0 ? Buffer.concat([...rest, last]) : last;
    rest = [];
    return delimiter === 'line' && entry.at(-1) === carriageReturn ? entry.subarray(0, -1) : entry;
  };
  return {
    push(chunk: Buffer): Uint8Array[] {
      const entries: Uint8Array[] = [];
      let from = 0;
      for (let at = chunk.indexOf(end); at !== -1; at = chunk.indexOf(end, from)) {
        entries.push(joined(chunk.subarray(from, at)));
        from = at + 1;
      }
      if (from < chunk.length) rest.push(chunk.subarray(from));
      return entries;
    },
    end(): Uint8Array[] {
      const last = Buffer.concat(rest);
      rest = [];
      return last.length > 0 ? [last] : [];
    },
  };
}

/** An entry with what ends it, as `splitEntries` reads it. */
export function withDelimiter(entry: Uint8Array, delimiter: Delimiter): Uint8Array {
  return Buffer.concat([entry, Buffer.of(delimiter === 'line' ? lineFeed : 0)]);
}
