/** Scripted histories whose truth is known: what a test says happened is what the explanation must find. */
import type { Facts, Term } from '../../../client/explain/facts.ts';

export const noon = Date.parse('2026-11-30T12:00:00.000Z');
const iso = (seconds: number) => new Date(noon + seconds * 1_000).toISOString();

/** A term from the second of its confirmation to that of its end. */
export function term(
  fencingVersion: number,
  contenderId: string,
  from: number,
  end?: { at: number; reason: NonNullable<Term['endReason']>; detail?: string },
  { grantedAt = from, leaseMs = 15_000 }: { grantedAt?: number; leaseMs?: number } = {},
): Term {
  return {
    fencingVersion,
    contenderId,
    sessionId: `00000000-0000-4000-8000-${String(fencingVersion).padStart(12, '0')}`,
    address: `${contenderId}.internal:1`,
    grantedAt: iso(grantedAt),
    confirmedAt: iso(from),
    leaseMs,
    ...(end && { endedAt: iso(end.at), endReason: end.reason }),
    ...(end?.detail !== undefined && { endDetail: end.detail }),
  };
}

interface Now {
  /** Seconds after noon. */
  readonly at: number;
  readonly sinceSeconds?: number;
}

/** The facts as the API would give them; terms oldest first. The newest leads if it has not ended. */
export function facts(terms: readonly Term[], { at, sinceSeconds = 3_600 }: Now, more: Partial<Facts> = {}): Facts {
  const newest = terms.at(-1);
  const isLed = newest !== undefined && newest.endedAt === undefined;
  return {
    group: 'orders',
    now: noon + at * 1_000,
    since: noon + (at - sinceSeconds) * 1_000,
    terms: terms.toReversed(),
    jobs: [],
    logs: [],
    backups: [],
    unanswered: [],
    ...more,
    leadership: {
      leader: isLed
        ? {
            contenderId: newest.contenderId,
            sessionId: newest.sessionId,
            address: newest.address,
            metadata: null,
            confirmedAt: newest.confirmedAt,
            expiresAt: iso(at + 10),
          }
        : null,
      fencingVersion: newest?.fencingVersion ?? 0,
      pending: false,
      addresses: {},
      availableInMs: isLed ? 10_250 : 0,
      ...more.leadership,
    },
  };
}
