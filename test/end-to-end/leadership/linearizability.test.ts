import { expect, test } from 'vitest';
import { sizes } from '../../sizes.ts';
import { type LeaseCall, leaseSpecification } from '../../support/lease-specification.ts';
import { checkLinearizable } from '../../support/linearizability.ts';
import { recordTraffic } from './lease-clients.ts';
import { newGroup } from './tenure.ts';

const clients = 20;
const { historyCalls } = sizes.leadership;
const maxClockSkewMs = 250;

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

test.each([
  { kind: 'leases that only a resignation or a revocation ends', leaseMs: 600_000, pauseMs: 20 },
  { kind: 'leases that expire', leaseMs: 1_000, pauseMs: 500 },
])('what 20 clients were answered could have happened one after the other: $kind', async ({ leaseMs, pauseMs }) => {
  const seed = Date.now() % 1e6;
  const groups = [newGroup(), newGroup()];
  const histories = await Promise.all(
    groups.map((group, at) =>
      recordTraffic({
        group,
        clients: clients / 2,
        callsPerClient: historyCalls,
        leaseMs,
        pauseMs,
        seed: seed + 1_000 * at,
      }),
    ),
  );
  for (const history of histories) expectLinearizable(history, leaseMs, seed);
  const all = histories.flat();
  expect(count(all, 'granted')).toBeGreaterThan(historyCalls / 2);
  expect(count(all, 'held')).toBeGreaterThan(historyCalls);
  expect(count(all, 'lost')).toBeGreaterThan(historyCalls / 5);
  expect(all.filter(({ output }) => !output).length).toBeGreaterThan(historyCalls / 10);
});
