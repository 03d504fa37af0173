/** A random source that a seed repeats exactly, so that a failing run can be looked at again. */
export interface SeededRandom {
  /** Evenly in [0, 1). */
  next(): number;
  between(low: number, high: number): number;
  /** Whole numbers, both ends included. */
  integer(low: number, high: number): number;
  chance(probability: number): boolean;
  pick<Value>(values: readonly Value[]): Value;
  /** Mostly near zero, sometimes many times the mean. */
  exponential(mean: number): number;
}

/** Mulberry32: 32 bits of state, good enough to explore with, not for secrets. */
export function seededRandom(seed: number): SeededRandom {
  let state = Math.imul(seed ^ 0x9e3779b9, 0x85ebca6b) >>> 0;
  const next = () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
  return {
    next,
    between: (low, high) => low + (high - low) * next(),
    integer: (low, high) => low + Math.floor((high - low + 1) * next()),
    chance: (probability) => next() < probability,
    pick: <Value>(values: readonly Value[]) => values[Math.floor(next() * values.length)] as Value,
    exponential: (mean) => -mean * Math.log(1 - next()),
  };
}
