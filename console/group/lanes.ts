/** The term history as lanes on a time line, one for each contender. Pure. */
import { type Gap, gapsOf, type Tenure, tenuresOf } from '../../client/explain/tenures.ts';
import type { Term } from '../answers.ts';

export interface Bar {
  readonly tenure: Tenure;
  /** In per cent of the window. */
  readonly left: number;
  readonly width: number;
  readonly isRunning: boolean;
}

export interface Lane {
  readonly contenderId: string;
  readonly bars: readonly Bar[];
}

export interface GapBar {
  readonly gap: Gap;
  readonly left: number;
  readonly width: number;
}

export interface Chart {
  readonly lanes: readonly Lane[];
  readonly gaps: readonly GapBar[];
  readonly ticks: readonly { readonly at: number; readonly left: number }[];
}

export const ranges = { '5 min': 300_000, '1 h': 3_600_000, '6 h': 21_600_000, '24 h': 86_400_000, All: 0 } as const;
export type Range = keyof typeof ranges;

/** Newest leader first. */
export function contendersOf(terms: readonly Term[]): string[] {
  return [...new Set(terms.map(({ contenderId }) => contenderId))];
}

const mostLanes = 12;

export function chartOf(terms: readonly Term[], from: number, now: number): Chart {
  const tenures = tenuresOf(terms);
  const whole = Math.max(1, now - from);
  const share = (begin: number, end: number) => {
    const left = (100 * (Math.max(begin, from) - from)) / whole;
    return { left, width: Math.max(0, (100 * (Math.min(end, now) - from)) / whole - left) };
  };
  const lanes = contendersOf(terms)
    .map((contenderId) => ({
      contenderId,
      bars: tenures
        .filter((tenure) => tenure.contenderId === contenderId && (tenure.endedAt ?? now) >= from)
        .map((tenure) => ({
          tenure,
          ...share(tenure.confirmedAt, tenure.endedAt ?? now),
          isRunning: tenure.endedAt === undefined,
        })),
    }))
    .filter(({ bars }) => bars.length > 0)
    .slice(0, mostLanes);
  const gaps = gapsOf(tenures, { since: from, now }).map((gap) => ({ gap, ...share(gap.from, gap.to ?? now) }));
  return { lanes, gaps, ticks: ticksOf(from, now).map((at) => ({ at, left: share(from, at).width })) };
}

/** The begin of the window: a range, or everything that is known. */
export function windowBegin(terms: readonly Term[], range: Range, now: number): number {
  const oldest = Date.parse(terms.at(-1)?.confirmedAt ?? new Date(now).toISOString());
  const all = Math.min(oldest, now - 60_000);
  return range === 'All' ? all - (now - all) * 0.02 : now - ranges[range];
}

/** The shortest range in which something is to be seen; a calm group shows its whole history. */
export function usualRange(terms: readonly Term[], now: number): Range {
  const last = Date.parse(terms[0]?.endedAt ?? terms[0]?.confirmedAt ?? '');
  const fits = (Object.keys(ranges) as Range[]).find((range) => range !== 'All' && now - last < ranges[range] * 0.9);
  return fits ?? 'All';
}

const steps = [15, 60, 300, 900, 3_600, 10_800, 21_600, 86_400, 604_800, 2_592_000].map((seconds) => seconds * 1_000);
const mostTicks = 8;

/** Round instants, about eight of them. */
export function ticksOf(from: number, to: number): number[] {
  const step = steps.find((one) => (to - from) / one <= mostTicks) ?? (to - from) / mostTicks;
  const first = Math.ceil(from / step) * step;
  return Array.from({ length: Math.max(0, Math.floor((to - first) / step) + 1) }, (_, at) => first + at * step);
}
