import type { RetryBudget } from './retry-budget.ts';
import { hasCode, type TenureError } from './tenure-error.ts';
import { sleep, type Time } from './time.ts';

export interface RetryPolicy {
  readonly time: Time;
  /** Between 0 and 1, for the jitter. */
  readonly random: () => number;
  readonly timeoutMs: number;
  readonly deadlineMs: number;
  readonly retry: boolean;
  /** Shared by the calls of a client; left out for a leader's own, which go before all else. */
  readonly budget?: RetryBudget | undefined;
  readonly signal?: AbortSignal | undefined;
}

const firstPauseMs = 100;
const longestPauseMs = 2_000;

/**
 * Tries until it succeeds, fails for good, or the next try would begin after the deadline; then the last error is
 * thrown. Only what says nothing about the request itself is tried again: no answer, throttling, an unavailable store,
 * a backup that holds writes back for a moment.
 */
export async function withRetries<Answer>(
  { time, random, timeoutMs, deadlineMs, retry, budget, signal }: RetryPolicy,
  attempt: (timeoutMs: number) => Promise<Answer>,
): Promise<Answer> {
  const endsAt = time.monotonic() + deadlineMs;
  let failure: unknown;
  // A pause may have been longer than planned.
  for (let tries = 0; tries === 0 || time.monotonic() < endsAt; tries += 1) {
    try {
      // A slow answer is better than none: the first try has its whole time.
      const answer = await attempt(tries === 0 ? timeoutMs : Math.min(timeoutMs, endsAt - time.monotonic()));
      budget?.succeeded();
      return answer;
    } catch (error) {
      if (!retry || !hasCode(error, 'unreachable', 'throttled', 'unavailable', 'contention', 'state_locked'))
        throw error;
      const spaced = hasCode(error, 'unreachable', 'throttled', 'unavailable') ? budget : undefined;
      const pause = Math.max(pauseMs(error, tries, random), spaced?.wait() ?? 0);
      if (time.monotonic() + pause >= endsAt) throw error;
      spaced?.spend();
      await sleep(time, pause, signal);
      signal?.throwIfAborted();
      failure = error;
    }
  }
  throw failure;
}

/** Exponential with full jitter, never shorter than the server asks for. */
function pauseMs(error: TenureError, tries: number, random: () => number): number {
  return (error.retryAfterMs ?? 0) + random() * Math.min(longestPauseMs, firstPauseMs * 2 ** tries);
}
