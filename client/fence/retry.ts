import { setTimeout as pause } from 'node:timers/promises';

/**
 * Runs a transaction up to `tries` times, while it fails in a way that `isRetryable` knows to pass. The pauses are
 * random, up to 20 ms at first and 1.3 s at last. @throws what the last try threw.
 */
export async function retryTransaction<Result>(
  tries: number,
  isRetryable: (error: unknown) => boolean,
  run: () => Promise<Result>,
): Promise<Result> {
  for (let tried = 1; tried < tries; tried += 1) {
    try {
      return await run();
    } catch (error) {
      if (!isRetryable(error)) throw error;
      await pause(Math.random() * 10 * 2 ** Math.min(tried, 7));
    }
  }
  return run();
}
