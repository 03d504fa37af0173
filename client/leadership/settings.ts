import { defaultClockSkewMs } from '../../api/clock-skew.ts';
import * as schema from '../../api/operations/leadership.ts';
import { name } from '../../api/schema.ts';

export interface LeaseSettings {
  /** Length of the lease, 1,000 to 3,600,000 ms; 15,000 unless given. */
  readonly leaseMs?: number;
  /** Time from one renewal to the next, ms; a third of the lease unless given. */
  readonly renewEveryMs?: number;
  /** Longest wait for one answer, ms; a quarter of the lease, at most 5,000, unless given. */
  readonly requestTimeoutMs?: number;
  /** How much clocks may differ, ms; 250 unless given. The same as the service's TENURE_MAX_CLOCK_SKEW_MS. */
  readonly maxClockSkewMs?: number;
  /**
   * Time from one look at the lease to the next while waiting for it, ms; a third of the lease unless given, 1,000 in
   * direct mode. Each costs a request and half a read unit. 0: sleep until the lease would run out, and learn of a
   * resignation only then.
   */
  readonly handoverPollMs?: number;
}

export type CheckedSettings = Required<LeaseSettings>;

/** The default of requestTimeoutMs, ms. */
export function requestTimeoutFor(leaseMs: number): number {
  return Math.min(5_000, Math.floor(leaseMs / 4));
}

/** A look costs no function and no API request: an eighth of a cent for each waiting contender and day. */
const directPollMs = 1_000;

/**
 * Fills in what is not given and refuses what does not fit together (docs/design/leadership.md, "Settings").
 * @throws RangeError that names both values.
 */
export function checkSettings(given: LeaseSettings, mode: 'api' | 'direct' = 'api'): CheckedSettings {
  const leaseMs = given.leaseMs ?? schema.defaultLeaseMs;
  const renewEveryMs = given.renewEveryMs ?? Math.floor(leaseMs / 3);
  const requestTimeoutMs = given.requestTimeoutMs ?? requestTimeoutFor(leaseMs);
  const maxClockSkewMs = given.maxClockSkewMs ?? defaultClockSkewMs;
  const handoverPollMs = given.handoverPollMs ?? (mode === 'direct' ? directPollMs : Math.floor(leaseMs / 3));

  if (!schema.leaseMs.safeParse(leaseMs).success) {
    throw new RangeError(`leaseMs is ${leaseMs}: it must be a whole number from 1,000 to 3,600,000.`);
  }
  for (const [setting, value, least] of [
    ['renewEveryMs', renewEveryMs, 1],
    ['requestTimeoutMs', requestTimeoutMs, 1],
    ['maxClockSkewMs', maxClockSkewMs, 0],
    ['handoverPollMs', handoverPollMs, 0],
  ] as const) {
    if (!Number.isFinite(value) || value < least) {
      throw new RangeError(`${setting} is ${value}: it must be at least ${least}.`);
    }
  }
  if (maxClockSkewMs >= leaseMs / 2) {
    throw new RangeError(`maxClockSkewMs ${maxClockSkewMs} must be below half of leaseMs ${leaseMs}.`);
  }
  if (renewEveryMs * 2 + requestTimeoutMs >= leaseMs) {
    throw new RangeError(
      `renewEveryMs ${renewEveryMs} × 2 + requestTimeoutMs ${requestTimeoutMs} must be below leaseMs ${leaseMs}: one lost renewal would cost the term.`,
    );
  }
  return { leaseMs, renewEveryMs, requestTimeoutMs, maxClockSkewMs, handoverPollMs };
}

/** @throws RangeError for what the service would refuse each time. */
export function checkNames(group: string, contenderId: string, address: string): void {
  const named = 'use letters, digits, ".", "_" and "-", beginning with a letter or digit, at most 128 characters';
  for (const [what, value, rule, remedy] of [
    ['group', group, name, named],
    ['contenderId', contenderId, name, named],
    ['address', address, schema.address, 'give 1 to 256 characters'],
  ] as const) {
    if (!rule.safeParse(value).success) throw new RangeError(`${what} is ${JSON.stringify(value)}: ${remedy}.`);
  }
}
