import { maxVersion } from '../../api/ballot.ts';

/** The part of a term that a guarded store compares. A `Term` of an elector is one. */
export interface FencingTerm {
  /** 1 to 2^28 − 1; rises with every term of the group. */
  readonly fencingVersion: number;
}

/**
 * A guarded store has seen a newer fencing version: this process no longer leads. Nothing was written. Stop the term's
 * work.
 *
 * @example
 * ```ts
 * import { FencedError } from 'tenure/fence';
 *
 * // True when a newer leader owns the row: this process no longer leads.
 * const isDeposed = (error: unknown) => error instanceof FencedError && error.guarded === 'orders';
 * ```
 */
export class FencedError extends Error {
  override readonly name = 'FencedError';
  /** The code that Tenure's own API returns for the same refusal. */
  readonly code = 'fenced';

  constructor(
    /** The guarded thing, as named by the caller. */
    readonly guarded: string,
    readonly yours: number,
    /** The newest version that the store has seen; undefined where the store does not report it. */
    readonly current: number | undefined,
    options?: ErrorOptions,
  ) {
    const newest = current === undefined ? 'A newer fencing version' : `Fencing version ${current}`;
    super(`${newest} owns "${guarded}"; yours is ${yours}. Stop working on it.`, options);
  }
}

/**
 * The term's version, checked: a store must never compare NaN, a string or a version from nowhere. Throws a
 * `RangeError`.
 */
export function versionOf({ fencingVersion }: FencingTerm): number {
  if (Number.isInteger(fencingVersion) && fencingVersion >= 1 && fencingVersion <= maxVersion) {
    return fencingVersion;
  }
  throw new RangeError(`fencingVersion is ${fencingVersion}; pass the term that leads (1 to ${maxVersion})`);
}
