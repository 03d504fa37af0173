/**
 * Faults of AWS, drawn from a seed: stores throttle, alone or for a while, refuse writes that meet a transaction, and
 * carry out a request whose answer is lost. In a storm so does all else, for so long as it lasts. Only requests of
 * functions, and by URLs that they presigned, meet it.
 */
export type Fault = 'throttle' | 'conflict' | 'answer lost';

export interface Interference {
  /** The fault of the next request to a store; `writes`: how many items it writes in one transaction or by itself. */
  next(store: string, writes: 'none' | 'item' | 'transaction'): Fault | undefined;
}

export interface Storm {
  readonly seconds: number;
  /** Of the requests and invocations that fail, from 0 to 1. */
  readonly share: number;
}

export interface Weather extends Interference {
  /** From now on; another storm takes its place. */
  storm(storm: Storm): void;
  /** The fault of a request to a service that is no store: workflows, the bus, queues. Calm without a storm. */
  service(): 'throttle' | undefined;
  /** The fault of an invocation: refused, or carried out by a function that then ran into its timeout. */
  invocation(): 'throttle' | 'timeout' | undefined;
}

const chance = { throttle: 0.01, burst: 0.001, conflict: { none: 0, item: 0.003, transaction: 0.02 }, lost: 0.004 };
const burstMs = 400;
/** Of what fails in a storm: the rest is throttled. */
const inStorm = { conflict: { none: 0, item: 0.1, transaction: 0.4 }, lost: 0.1, timeout: 0.2 };

/** Faults of a bad day. */
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

/** Calm, or a bad day where a seed is given, until a storm is ordered. */
export function weatherFrom(seed: number | undefined, now: () => number = Date.now): Weather {
  const usual = seed === undefined ? undefined : interferenceFrom(seed, now);
  const random = seededRandom(seed ?? 1);
  let current = { until: 0, share: 0 };
  const strikes = () => now() < current.until && random() < current.share;
  return {
    storm({ seconds, share }) {
      current = { until: now() + seconds * 1_000, share };
    },
    next(store, writes) {
      if (!strikes()) return usual?.next(store, writes);
      const kind = random();
      if (kind < inStorm.lost) return 'answer lost';
      return kind < inStorm.lost + inStorm.conflict[writes] ? 'conflict' : 'throttle';
    },
    service: () => (strikes() ? 'throttle' : undefined),
    invocation() {
      if (!strikes()) return undefined;
      return random() < inStorm.timeout ? 'timeout' : 'throttle';
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
