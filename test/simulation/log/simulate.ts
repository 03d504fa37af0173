import { parseArgs } from 'node:util';
import { play } from './scenario.ts';

/** `npm run simulate -- --runs N --seed S`: plays N seeds from S on; a failing seed is printed and fails the command. */
const { values } = parseArgs({
  options: { runs: { type: 'string', default: '2000' }, seed: { type: 'string', default: '1' } },
});
const runs = Number(values.runs);
const seed = Number(values.seed);
const startedAt = performance.now();
const totals = { acknowledged: 0, elections: 0, wipes: 0, steps: 0 };
for (let at = seed; at < seed + runs; at += 1) {
  const outcome = await play(at);
  for (const name of ['acknowledged', 'elections', 'wipes', 'steps'] as const) totals[name] += outcome[name];
  if (outcome.violation) {
    console.log(`seed ${at} violates ${outcome.violation.message}`);
    console.log(`replay it with: npm run simulate -- --runs 1 --seed ${at}`);
    process.exitCode = 1;
    break;
  }
}
const seconds = ((performance.now() - startedAt) / 1000).toFixed(1);
console.log(`from seed ${seed}: ${JSON.stringify(totals)} in ${seconds} s`);
