import { expect, test } from 'vitest';
import { holds } from '../../../store/condition.ts';
import type { Item } from '../../../store/item.ts';
import { decide, type Write } from '../../../store/write.ts';
import { leaseVectors } from '../../support/lease-vectors.ts';

interface Case {
  step: string;
  request: { kind: string };
  sent: object[];
  result: { problem?: string } | null;
  writes: Write[];
  before: (Item | null)[];
  outcome: { kind: string; after?: (Item | null)[]; refused?: number[] };
}

const { cases: expected, ...settings } = await leaseVectors();
/** A line for each case, so that a change is seen as one. */
const lines = expected.map((each) => JSON.stringify(each)).join(',\n');
const printed = `${JSON.stringify(settings).slice(0, -1)},"cases":[\n${lines}\n]}\n`;
const { cases } = JSON.parse(printed) as { cases: Case[] };

test('test/vectors/leadership.json is what the rules print', async () => {
  // `npx vitest run --project unit test/unit/leadership/vectors.test.ts -u` writes it anew.
  await expect(printed).toMatchFileSnapshot('../../vectors/leadership.json');
});

test('the values survive JSON: read back, they are decided the same', () => {
  for (const { writes, before, outcome } of cases) {
    const items = new Map(writes.map(({ key }, at) => [key.sk, before[at] ?? undefined]));
    const decision = decide(writes, ({ sk }) => items.get(sk));
    expect(decision.kind).toBe(outcome.kind);
    if (decision.kind === 'written') expect(decision.effects.map(({ after }) => after ?? null)).toEqual(outcome.after);
    else expect(decision.refusals.map(({ at }) => at)).toEqual(outcome.refused);
  }
});

test('every kind of step is once taken and once refused', () => {
  const kinds = (step: string) =>
    new Set(cases.filter((each) => each.step.includes(step)).map(({ outcome }) => outcome.kind));
  const steps = ['contends', 'makes the record', 'confirms', 'renews', 'hand-over', 'resigns', 'revokes'];
  for (const step of [...steps, 'publishes', 'withdraws', 'restores'])
    expect([step, ...kinds(step)].sort()).toEqual([step, 'refused', 'written'].sort());
  expect(cases.length).toBeGreaterThan(30);
  expect(
    cases.some(({ writes, before }) => writes[0]?.condition && holds(writes[0].condition, before[0] ?? undefined)),
  ).toBe(true);
});

test("the caller's answer agrees with what was written: a refused step ends in a problem", () => {
  for (const { step, request, outcome, result } of cases) {
    if (!result || step.startsWith('a ')) continue;
    expect([step, 'problem' in result], request.kind).toEqual([step, outcome.kind === 'refused']);
  }
});

test('each write is also there as the request that DynamoDB gets', () => {
  for (const { writes, sent } of cases) {
    expect(sent).toHaveLength(writes.length);
    expect(JSON.stringify(sent)).toContain('ConditionExpression');
  }
});
