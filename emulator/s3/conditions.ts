import { noSuchKey, preconditionFailed, S3Error } from './errors.ts';
import type { ObjectRecord } from './records.ts';

export interface WriteCondition {
  /** ETag that the present object must have. */
  ifMatch: string | undefined;
  /** Only `*`: there must be no object. */
  ifNoneMatch: string | undefined;
}

export function readWriteCondition(headers: Map<string, string>): WriteCondition {
  const ifNoneMatch = headers.get('if-none-match');
  if (ifNoneMatch !== undefined && ifNoneMatch !== '*') {
    throw new S3Error('NotImplemented', `A write takes If-None-Match: * only, got ${ifNoneMatch}`, {
      Header: 'If-None-Match',
    });
  }
  return { ifMatch: headers.get('if-match'), ifNoneMatch };
}

export const isConditional = ({ ifMatch, ifNoneMatch }: WriteCondition) =>
  ifMatch !== undefined || ifNoneMatch !== undefined;

/** Throws PreconditionFailed, or NoSuchKey for an If-Match without an object, as S3 does. */
export function requireWriteCondition(condition: WriteCondition, key: string, present: ObjectRecord | undefined) {
  if (condition.ifNoneMatch !== undefined && present) throw preconditionFailed('If-None-Match');
  if (condition.ifMatch === undefined) return;
  if (!present) throw noSuchKey(key);
  if (!matches(condition.ifMatch, present.etag)) throw preconditionFailed('If-Match');
}

/**
 * Weighs If-Match, If-None-Match, If-Modified-Since and If-Unmodified-Since against an object; with a prefix, those of
 * a copy's source. An ETag condition outranks the time condition of its kind. Throws PreconditionFailed.
 */
export function weighReadCondition(
  headers: Map<string, string>,
  record: ObjectRecord,
  prefix: '' | 'x-amz-copy-source-' = '',
): 'send' | 'not modified' {
  const get = (name: string) => headers.get(`${prefix}${name}`);
  const ifMatch = get('if-match');
  const ifNoneMatch = get('if-none-match');
  const modifiedSince = time(get('if-modified-since'));
  const unmodifiedSince = time(get('if-unmodified-since'));
  if (ifMatch !== undefined && !matches(ifMatch, record.etag)) throw preconditionFailed('If-Match');
  if (ifMatch === undefined && unmodifiedSince !== undefined && record.lastModified > unmodifiedSince) {
    throw preconditionFailed('If-Unmodified-Since');
  }
  if (ifNoneMatch !== undefined) return matches(ifNoneMatch, record.etag) ? 'not modified' : 'send';
  return modifiedSince !== undefined && record.lastModified <= modifiedSince ? 'not modified' : 'send';
}

function matches(wanted: string, etag: string): boolean {
  return wanted.split(',').some((one) => {
    const bare = one
      .trim()
      .replace(/^W\//, '')
      .replace(/^"(.*)"$/, '$1');
    return bare === '*' || bare === etag;
  });
}

/** An HTTP date that cannot be read is no condition, as RFC 9110 has it. */
function time(date: string | undefined): number | undefined {
  const parsed = date === undefined ? Number.NaN : Date.parse(date);
  return Number.isNaN(parsed) ? undefined : parsed;
}
