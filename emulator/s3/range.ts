import { S3Error } from './errors.ts';

export interface Range {
  start: number;
  /** Inclusive. */
  end: number;
}

/**
 * Reads `bytes=a-b`, `bytes=a-` or `bytes=-n` against an object's size. Anything else, several ranges too, is ignored
 * and answers undefined, as in S3. Throws InvalidRange when the range begins behind the end.
 */
export function readRange(header: string | undefined, size: number): Range | undefined {
  const [, first = '', last = ''] = /^bytes=(\d*)-(\d*)$/.exec(header ?? '') ?? [];
  if (first === '' && last === '') return undefined;
  if (first !== '' && last !== '' && Number(first) > Number(last)) return undefined;
  const start = first === '' ? Math.max(size - Number(last), 0) : Number(first);
  const end = first === '' || last === '' ? size - 1 : Math.min(Number(last), size - 1);
  if (start >= size || end < start) {
    throw new S3Error('InvalidRange', 'The requested range is not satisfiable', {
      RangeRequested: header ?? '',
      ActualObjectSize: String(size),
    });
  }
  return { start, end };
}
