import { parseArgs } from 'node:util';
import { playMany } from './scenario.ts';

/**
 * `npm run simulate -- [log] [--runs N] [--seed S]`: plays N seeds from S on; a seed that fails is named and can be
 * replayed.
 */
export async function simulateLog(args: string[]): Promise<void> {
  const { values } = parseArgs({
    args,
    options: { runs: { type: 'string', default: '1000' }, seed: { type: 'string', default: '1' } },
  });
  const startedAt = performance.now();
  const outcome = await playMany(Number(values.seed), Number(values.runs));
  const { violation, seed, ...totals } = { violation: undefined, seed: undefined, ...outcome };
  console.log(`${JSON.stringify(totals)} in ${((performance.now() - startedAt) / 1000).toFixed(1)} s`);
  if (!violation) return;
  console.log(`Seed ${seed} violates ${violation.message}`);
  console.log(`Replay it with: npm run simulate -- log --runs 1 --seed ${seed}`);
  process.exitCode = 1;
}
