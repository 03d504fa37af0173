import { performance } from 'node:perf_hooks';
import { type Aim, atMost, type Row } from './bench.ts';

/** The middle value, or the mean of the two middle ones. Throws without values: a median of nothing is a lie. */
export function median(values: readonly number[]): number {
  if (values.length === 0) throw new Error('There is no median of no values');
  const sorted = values.toSorted((a, b) => a - b);
  const upper = sorted[Math.floor(sorted.length / 2)] as number;
  const lower = sorted[Math.ceil(sorted.length / 2) - 1] as number;
  return (lower + upper) / 2;
}

/** Does one thing once. A number that it answers is the measurement; otherwise the milliseconds it took are. */
export type Measurement = () => Promise<unknown>;

export interface Rounds {
  rounds: number;
  /** Rounds before, which do not count. */
  warmUp?: number;
}

/**
 * Measures the variants in turns, so that whatever disturbs the machine disturbs all of them; every round begins with
 * another variant. Returns the measurements of each, in the order of the rounds.
 */
export async function interleaved<Name extends string>(
  { rounds, warmUp = 0 }: Rounds,
  variants: Record<Name, Measurement>,
): Promise<Record<Name, number[]>> {
  const names = Object.keys(variants) as Name[];
  const measured = Object.fromEntries(names.map((name) => [name, [] as number[]])) as Record<Name, number[]>;
  for (let round = -warmUp; round < rounds; round++) {
    const first = (round + warmUp) % names.length;
    for (const name of [...names.slice(first), ...names.slice(0, first)]) {
      const startedAt = performance.now();
      const answer = await variants[name]();
      const value = typeof answer === 'number' ? answer : performance.now() - startedAt;
      if (round >= 0) measured[name].push(value);
    }
  }
  return measured;
}

export interface Comparison {
  ours: number[];
  theirs: number[];
  /** Behind both medians: "ms" by default. */
  unit?: string;
  /** Digits behind the point: 2 by default. */
  digits?: number;
  /** The ratio aimed at. */
  atMost?: number;
}

/** The medians of both and their ratio. */
export function compare(
  what: string,
  { ours, theirs, unit = 'ms', digits = 2, atMost: limit }: Comparison,
): Row & { ratio: number } {
  const [our, their] = [median(ours), median(theirs)];
  const ratio = our / their;
  const aim: { aim?: Aim } = limit === undefined ? {} : { aim: atMost(limit, ratio) };
  const shown = (value: number) => `${value.toFixed(digits)} ${unit}`;
  return { what, ours: shown(our), theirs: shown(their), ratio, ...aim };
}
