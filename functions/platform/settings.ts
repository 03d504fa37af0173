import * as z from 'zod/mini';
import { defaultClockSkewMs } from '../../api/clock-skew.ts';
import '../../api/messages.ts';

/**
 * Reads a room's settings from the environment. A missing or malformed one stops the function at start with an error
 * that names every variable concerned, so that a bad deployment fails before it serves.
 */
export function readSettings<Shape extends z.core.$ZodShape>(
  shape: Shape,
  environment: Record<string, string | undefined> = process.env,
): z.output<z.ZodMiniObject<Shape>> {
  const known = Object.fromEntries(Object.keys(shape).map((variable) => [variable, environment[variable]]));
  const read = z.object(shape).safeParse(known);
  if (read.success) return read.data;
  const issues = read.error.issues.map(
    ({ path, message }) => `${path.join('.')}="${known[String(path[0])]}": ${message}`,
  );
  throw new Error(`The environment is not usable: ${issues.join('; ')}`);
}

/** An integer setting with its range and default. */
export function wholeNumber(min: number, max: number, fallback: number) {
  return z._default(z.coerce.number().check(z.int(), z.minimum(min), z.maximum(max)), fallback);
}

/** The same in ms. */
export function milliseconds(min: number, max: number, fallback: number) {
  return wholeNumber(min, max, fallback);
}

/** `a,b` as a list; empty unless given. */
export const commaSeparated = z.pipe(
  z._default(z.string(), ''),
  z.transform((text) => text.split(',').filter((item) => item !== '')),
);

export const tableName = z.string().check(z.minLength(3), z.maxLength(255));
export const bucketName = z.string().check(z.minLength(3), z.maxLength(63));

/** Half a lease must exceed it, see `leadership/lease.ts`. */
export const maxClockSkewMs = milliseconds(0, 60_000, defaultClockSkewMs);

/**
 * How long a backup holds writers back at most: whose state lock is older has died or given up, and anyone may remove
 * it.
 */
export const stateLockMs = (): number =>
  readSettings({ TENURE_STATE_LOCK_MS: milliseconds(1_000, 60_000, 5_000) }).TENURE_STATE_LOCK_MS;
