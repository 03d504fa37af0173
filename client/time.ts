/** The clocks and timers of the client, injected so that a test moves them instead of sleeping. */
export interface Time {
  /** Wall clock, epoch ms. It can jump. */
  now(): number;
  /** A clock in ms that never goes back and is never set; its zero means nothing. */
  monotonic(): number;
  /** Fires once after `ms`; the answer cancels it. */
  setTimer(ms: number, fire: () => void): () => void;
}

/** Node fires a longer timer at once. */
const longestTimerMs = 2 ** 31 - 1;

/**
 * The clocks and timers of the host.
 *
 * @example
 * ```ts
 * import { LeaderElector, systemTime, TenureClient, type Time } from 'tenure';
 *
 * // A host whose clock is an hour ahead, for a test.
 * const ahead: Time = { ...systemTime, now: () => systemTime.now() + 3_600_000 };
 * const elector = new LeaderElector({ client: new TenureClient({ time: ahead }), group: 'orders' });
 * ```
 */
export const systemTime: Time = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  setTimer(ms, fire) {
    let timer: NodeJS.Timeout;
    const endsAt = performance.now() + ms;
    const arm = () => {
      const leftMs = endsAt - performance.now();
      timer = leftMs > longestTimerMs ? setTimeout(arm, longestTimerMs) : setTimeout(fire, Math.max(0, leftMs));
    };
    arm();
    return () => clearTimeout(timer);
  },
};

/** Resolves after `ms`, or at once when the signal fires: the caller looks at the signal. */
export function sleep(time: Time, ms: number, signal?: AbortSignal): Promise<void> {
  if (signal?.aborted) return Promise.resolve();
  return new Promise((resolve) => {
    const wake = () => {
      cancel();
      signal?.removeEventListener('abort', wake);
      resolve();
    };
    const cancel = time.setTimer(Math.max(0, ms), wake);
    signal?.addEventListener('abort', wake, { once: true });
  });
}
