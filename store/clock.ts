/** Wall-clock time in epoch milliseconds; injected everywhere so that tests can move it. */
export interface Clock {
  now(): number;
}

export const systemClock: Clock = { now: () => Date.now() };

/** Writes an epoch in ms as the API's instant: ISO 8601 in UTC. */
export function instant(epochMs: number): string {
  return new Date(epochMs).toISOString();
}
