import { type Outcome, simulate } from './simulate.ts';

/** The worlds that a seed is run in. */
export const scenarios = {
  few: { contenders: 8, durationMs: 60_000, clocks: 'within' },
  hundred: { contenders: 100, durationMs: 60_000, clocks: 'within' },
  electors: { contenders: 6, durationMs: 60_000, clocks: 'within', electors: 'api' },
  'direct electors': { contenders: 6, durationMs: 60_000, clocks: 'within', electors: 'direct' },
  'electors of both kinds': { contenders: 6, durationMs: 60_000, clocks: 'within', electors: 'both' },
  'clocks beyond the allowance': { contenders: 12, durationMs: 60_000, clocks: 'beyond' },
} as const;

export type Scenario = keyof typeof scenarios;

/** The sum of many runs. */
export type Sum = Outcome['counts'] & { runs: number; events: number };

/** Runs seed after seed; throws at the first violation, with the command that repeats it and the last steps. */
export async function runMany(scenario: Scenario, seed: number, runs: number): Promise<Sum> {
  const sum: Record<string, number> = { runs, events: 0 };
  for (let at = seed; at < seed + runs; at += 1) {
    const { violation, events, counts, trace } = await simulate({ seed: at, ...scenarios[scenario] });
    if (violation) {
      const command = `npm run simulate -- leadership --runs 1 --seed ${at} --scenario '${scenario}'`;
      throw new Error([violation, ...trace.slice(-40), `Seed ${at}. To run it again: ${command}`].join('\n'));
    }
    sum['events'] = (sum['events'] ?? 0) + events;
    for (const [name, count] of Object.entries(counts)) sum[name] = (sum[name] ?? 0) + count;
  }
  return sum as Sum;
}
