import { parseArgs } from 'node:util';
import { runMany, type Scenario, scenarios } from './scenarios.ts';

/** `npm run simulate -- leadership [--runs N] [--seed S] [--scenario NAME]`: every scenario unless one is named. */
export async function simulateLeadership(args: string[]): Promise<void> {
  const text = { type: 'string' } as const;
  const { values } = parseArgs({ args, options: { runs: text, seed: text, scenario: text } });
  const named = values.scenario as Scenario | undefined;
  const names = Object.keys(scenarios) as Scenario[];
  if (named !== undefined && !names.includes(named))
    throw new Error(`There is no scenario "${named}"; there are: ${names.join(', ')}`);
  const seed = Number(values.seed ?? Date.now() % 1e9);
  for (const name of named ? [named] : names) {
    console.log(`${name}, from seed ${seed}`);
    console.log(await runMany(name, seed, Number(values.runs ?? 100)));
  }
}
