import { setTimeout as pauseFor } from 'node:timers/promises';
import type { Clock } from './clock.ts';
import { mark } from './marks.ts';
import { isConflict, isThrottled, isUnavailable } from './store-errors.ts';

/** As often and as far apart as the SDK tries. */
const tries = 3;
const conflictTries = 4;
const pauseMs = 50;
const throttledPauseMs = 1_000;

export interface Timing {
  readonly clock: Clock;
  readonly random?: () => number;
  readonly pause?: (ms: number) => Promise<unknown>;
}

/**
 * Carries out a write whose condition compares the time, each try with a reading of its own; returns the last one too.
 * The table sends it `once`, since a try of the SDK would carry the reading of seconds ago:
 *
 *   now = 100 ─ sent, lost ───── the lease ends at 200 ───── sent again: "expiresAt > 100" brings it back
 */
export async function timely<Answer>(
  { clock, random = Math.random, pause = pauseFor }: Timing,
  write: (now: number) => Promise<Answer>,
): Promise<{ readonly answer: Answer; readonly now: number }> {
  const attempt = async () => {
    const now = clock.now();
    return { answer: await write(now), now };
  };
  for (let tried = 1; tried < Math.max(tries, conflictTries); tried += 1) {
    try {
      return await attempt();
    } catch (error) {
      if (tried >= (isConflict(error) ? conflictTries : tries) || !isUnavailable(error)) throw error;
      mark('timed-write-tried-again');
      await pause(random() * (isThrottled(error) ? throttledPauseMs : pauseMs) * 2 ** (tried - 1));
    }
  }
  return attempt();
}
