import { invalidRequest, ProblemError } from '../api/problem.ts';

/** Writes a page's last sort key as the opaque `nextCursor`. */
export function toCursor(sortKey: string): string {
  return Buffer.from(sortKey, 'utf8').toString('base64url');
}

const namesAndIds = /^[A-Za-z0-9][A-Za-z0-9._/-]{0,400}$/;

/**
 * Reads a `cursor` back. Throws `invalid_request` when it was not made by `toCursor` for keys with this prefix
 * and `rest` after it, so that a forged cursor cannot leave the listing that it belongs to.
 */
export function fromCursor(cursor: string, prefix: string, rest = namesAndIds): string {
  const sortKey = Buffer.from(cursor, 'base64url').toString('utf8');
  if (toCursor(sortKey) !== cursor || !sortKey.startsWith(prefix) || !rest.test(sortKey.slice(prefix.length))) {
    throw new ProblemError(
      invalidRequest,
      `cursor "${cursor}" is not one of this listing; start again without a cursor`,
      {
        issues: [{ path: 'cursor', message: 'is not a cursor of this listing' }],
      },
    );
  }
  return sortKey;
}
