import { expect, test } from 'vitest';
import { sizes } from '../../sizes.ts';
import { type LeaseCall, leaseSpecification } from '../../support/lease-specification.ts';
import { checkLinearizable } from '../../support/linearizability.ts';
import { recordTraffic } from './lease-clients.ts';
import { newGroup } from './tenure.ts';

const clients = 20;
const { historyCalls } = sizes.leadership;
const maxClockSkewMs = 250;
const mostRounds = 6;

function count(history: readonly LeaseCall[], what: string): number {
  return history.filter(({ output }) => output && what in output).length;
}

function expectLinearizable(history: readonly LeaseCall[], leaseMs: number, seed: number): void {
  const verdict = checkLinearizable(history, leaseSpecification({ leaseMs, maxClockSkewMs }));
  if (verdict.linearizable) return;
  const { order, stuckAt } = verdict;
  const lines = [...order.slice(-15), stuckAt].map((call) => JSON.stringify(call));
  expect.fail(`No order explains the last of these (seed ${seed}, ${history.length} calls):\n${lines.join('\n')}`);
}

/** Whether the history has enough of each answer to say something about the rules. */
function isVaried(history: readonly LeaseCall[]): boolean {
  const unknown = history.filter(({ output }) => !output).length;
  return (
    count(history, 'granted') > historyCalls / 2 &&
    count(history, 'held') > historyCalls &&
    count(history, 'lost') > historyCalls / 5 &&
    unknown > historyCalls / 10
  );
}

test.each([
  { kind: 'leases that only a resignation or a revocation ends', leaseMs: 600_000, pauseMs: 20 },
  { kind: 'leases that expire', leaseMs: 1_000, pauseMs: 500 },
])('the answers to 20 clients could have come one after the other: $kind', async ({ leaseMs, pauseMs }) => {
  const seed = Date.now() % 1e6;
  const all: LeaseCall[] = [];
  // Chance, and a service that throttles, decide what a round has; rounds are added until every answer occurred.
  for (let round = 0; round < mostRounds && !isVaried(all); round += 1) {
    const histories = await Promise.all(
      [0, 1].map((at) =>
        recordTraffic({
          group: newGroup(),
          clients: clients / 2,
          callsPerClient: historyCalls,
          leaseMs,
          pauseMs,
          seed: seed + 10_000 * round + 1_000 * at,
        }),
      ),
    );
    for (const history of histories) expectLinearizable(history, leaseMs, seed);
    all.push(...histories.flat());
  }
  expect(isVaried(all), `${all.length} calls did not have enough of each answer (seed ${seed})`).toBe(true);
});
