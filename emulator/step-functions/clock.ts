/** Time as the server sees it. Instants are milliseconds since the epoch. */
export interface Clock {
  now(): number;
  /** Calls back at the instant or a little around it; returns how to cancel. */
  setTimer(at: number, callback: () => void): () => void;
}

const longestTimer = 2 ** 31 - 1;

export const systemClock: Clock = {
  now: () => Date.now(),
  setTimer(at, callback) {
    // A longer delay would overflow and fire at once; firing early only makes the engine look and wait again.
    const handle = setTimeout(callback, Math.min(Math.max(at - Date.now(), 0), longestTimer));
    return () => clearTimeout(handle);
  },
};
