import { describe, expect, test } from 'vitest';
import { sizes } from '../../sizes.ts';
import { runMany } from './scenarios.ts';
import { simulate } from './simulate.ts';
import { unsafeVariants } from './variants.ts';

const { simulatedRuns, simulatedCrowds } = sizes.leadership;

describe('whatever happens, the invariants of docs/design/leadership.md hold', () => {
  test('with few contenders, and a leader is found once nothing goes wrong any more', async () => {
    const sum = await runMany('few', 1, simulatedRuns);
    expect(sum.grants).toBeGreaterThan(10 * simulatedRuns);
    expect(sum.recreations).toBeGreaterThan(simulatedRuns / 2);
    expect(sum.shown).toBeGreaterThan(10 * simulatedRuns);
    expect(sum.refusedWrites).toBeGreaterThan(simulatedRuns);
  });

  test("with the client's own electors", async () => {
    const sum = await runMany('electors', 300_000, simulatedRuns / 5);
    expect(sum.grants).toBeGreaterThan(2 * simulatedRuns);
    expect(sum.beliefs).toBeGreaterThan(4 * simulatedRuns);
  });

  test.each(['direct electors', 'electors of both kinds'] as const)('with %s', async (scenario) => {
    const sum = await runMany(scenario, 400_000, simulatedRuns / 10);
    expect(sum.grants).toBeGreaterThan(simulatedRuns);
    expect(sum.beliefs).toBeGreaterThan(2 * simulatedRuns);
  });

  test('with 100 contenders', async () => {
    const sum = await runMany('hundred', 100_000, simulatedCrowds);
    expect(sum.grants).toBeGreaterThan(10 * simulatedCrowds);
  });

  test('except that leaders overlap while clocks are off by more than the allowance', async () => {
    const sum = await runMany('clocks beyond the allowance', 200_000, simulatedRuns / 2);
    expect(sum.overlaps).toBeGreaterThan(simulatedRuns);
    expect(sum.refusedWrites).toBeGreaterThan(simulatedRuns);
  });
});

test('the same seed gives the same run', async () => {
  const settings = { seed: 7, contenders: 20, durationMs: 60_000, clocks: 'within' } as const;
  const [one, other] = [await simulate(settings), await simulate(settings)];
  expect(one.counts.grants).toBeGreaterThan(5);
  expect(other.events).toBe(one.events);
  expect(other.counts).toEqual(one.counts);
  expect(withoutIds(other.trace)).toEqual(withoutIds(one.trace));
});

describe('a broken rule is found:', () => {
  test.each(Object.entries(unsafeVariants))('%s', async (_, { breaks, ...variant }) => {
    for (let seed = 1; seed <= 3_000; seed += 1) {
      const run = { seed, contenders: 3, durationMs: 60_000, clocks: 'within', variant } as const;
      const { violation } = await simulate(run);
      if (!violation) continue;
      expect(violation).toMatch(breaks);
      return;
    }
    expect.fail('3,000 runs did not find it');
  });
});

/** Sessions are random ids, which decide nothing. */
function withoutIds(trace: readonly string[]): string[] {
  return trace.map((line) => line.replaceAll(/[0-9a-f]{8}-[0-9a-f-]{27}/g, 'session'));
}
