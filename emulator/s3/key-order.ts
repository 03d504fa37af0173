/**
 * Keys as strings whose characters are the bytes of their UTF-8 form: comparing those compares keys as S3 does (plain
 * comparison of JavaScript strings puts U+10000 before U+FF00), and prefixes stay prefixes.
 */
export const toBytes = (key: string) => Buffer.from(key, 'utf8').toString('latin1');
export const fromBytes = (bytes: string) => Buffer.from(bytes, 'latin1').toString('utf8');

/** No UTF-8 text contains this byte, so `prefix + LAST` is behind every key that begins with the prefix. */
const LAST = '\xff';

/** Index of the first entry that is not below `bound`. */
export function lowerBound(sorted: string[], bound: string): number {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((sorted[middle] as string) < bound) low = middle + 1;
    else high = middle;
  }
  return low;
}

export interface Page {
  keys: string[];
  commonPrefixes: string[];
  /** Where the next page begins: pass it as `from`. Undefined at the end. */
  next: string | undefined;
}

/**
 * One page of sorted keys (all in byte form): those with the prefix, from `from` on; keys that have the delimiter
 * behind the prefix are rolled up into common prefixes, each of which counts as one towards the limit.
 */
export function listPage(
  sorted: string[],
  { prefix, delimiter, from, limit }: { prefix: string; delimiter: string; from: string; limit: number },
): Page {
  const page: Page = { keys: [], commonPrefixes: [], next: undefined };
  if (limit === 0) return page;
  let i = lowerBound(sorted, from > prefix ? from : prefix);
  for (let key = sorted[i]; key?.startsWith(prefix); key = sorted[i]) {
    if (page.keys.length + page.commonPrefixes.length === limit) return { ...page, next: key };
    const end = delimiter === '' ? -1 : key.indexOf(delimiter, prefix.length);
    if (end < 0) {
      page.keys.push(key);
      i += 1;
    } else {
      const common = key.slice(0, end + delimiter.length);
      page.commonPrefixes.push(common);
      i = lowerBound(sorted, common + LAST);
    }
  }
  return page;
}

/** The first possible key behind this one. */
export const after = (key: string) => `${key}\0`;
