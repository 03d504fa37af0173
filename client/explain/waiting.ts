/** Who waits for the lease, as far as the journal tells. Pure. */
import type { JournalMinute, Leadership } from './facts.ts';

export interface Waiting {
  readonly contenderId: string;
  /** Epoch ms: who waits is written once a minute. */
  readonly seenAt: number;
}

/** A contender that was not seen for so long has gone, or has stopped to look. */
export const seenForMs = 150_000;

/** Longest seen last; without the leader, which has waited before. */
export function waitingNow(
  minutes: readonly JournalMinute[],
  leader: Leadership['leader'] | undefined,
  now: number,
): Waiting[] {
  const seen = new Map<string, number>();
  for (const { waiting } of minutes)
    for (const { contenderId, seenAt } of waiting)
      seen.set(contenderId, Math.max(seen.get(contenderId) ?? 0, Date.parse(seenAt)));
  return [...seen]
    .map(([contenderId, seenAt]) => ({ contenderId, seenAt }))
    .filter(({ contenderId, seenAt }) => contenderId !== leader?.contenderId && now - seenAt < seenForMs)
    .sort((one, other) => other.seenAt - one.seenAt || (one.contenderId < other.contenderId ? -1 : 1));
}
