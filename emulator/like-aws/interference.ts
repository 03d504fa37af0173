/**
 * Faults of AWS's stores, drawn from a seed: they throttle, alone or for a while, refuse writes that meet a
 * transaction, and carry out a request whose answer is lost. Only requests of functions, and by URLs that they
 * presigned, meet it.
 */
export type Fault = 'throttle' | 'conflict' | 'answer lost';

export interface Interference {
  /** The fault of the next request to a store; `writes`: how many items it writes in one transaction or by itself. */
  next(store: string, writes: 'none' | 'item' | 'transaction'): Fault | undefined;
}

const chance = { throttle: 0.01, burst: 0.001, conflict: { none: 0, item: 0.003, transaction: 0.02 }, lost: 0.004 };
const burstMs = 400;

export function interferenceFrom(seed: number, now: () => number = Date.now): Interference {
  const random = seededRandom(seed);
  const throttledUntil = new Map<string, number>();
  return {
    next(store, writes) {
      if (now() < (throttledUntil.get(store) ?? 0)) return 'throttle';
      const drawn = random();
      if (drawn < chance.burst) {
        throttledUntil.set(store, now() + burstMs);
        return 'throttle';
      }
      if (drawn < chance.throttle) return 'throttle';
      if (drawn < chance.throttle + chance.lost) return 'answer lost';
      return drawn < chance.throttle + chance.lost + chance.conflict[writes] ? 'conflict' : undefined;
    },
  };
}

/** Numbers from 0 to 1 (mulberry32). */
function seededRandom(seed: number): () => number {
  let state = seed | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
