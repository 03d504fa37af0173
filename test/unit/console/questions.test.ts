import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { Leadership } from '../../../console/answers.ts';
import { groupQuestions } from '../../../console/group/questions.ts';
import type { Known, Live } from '../../../console/known.ts';
import { Pacer } from '../../../console/pacer.ts';

beforeEach(() => void vi.useFakeTimers({ toFake: ['Date', 'performance'] }));
afterEach(() => void vi.useRealTimers());

/** The names of the questions of a group's page, one a second, while the leadership is this. */
async function asked(leadership: (at: number) => Partial<Leadership>, seconds: number): Promise<string[]> {
  const begin = Date.now();
  const names: string[] = [];
  const live: Live = {
    get: <Value>(name: string) =>
      (name === 'leadership' ? { value: leadership(Date.now() - begin) } : {}) as Known<Value>,
    refresh: () => {},
    lastAnswerAt: undefined,
    outage: undefined,
  };
  const questions = groupQuestions('orders');
  const sources = questions.map(({ name, everyMs }) => ({
    name,
    // The list of terms is that of the leadership once it was read.
    everyMs: () => (name === 'terms' && names.includes(name) ? 30_000 : everyMs(live)),
    ask: async () => void names.push(name),
  }));
  const now = () => performance.now();
  const options = { sources: () => sources, isVisible: () => true, now, isOutage: () => false, onSettled: () => {} };
  const pacer = new Pacer(options);
  for (let second = 0; second < seconds; second += 1) {
    pacer.tick();
    await new Promise(setImmediate);
    vi.advanceTimersByTime(1_000);
  }
  return names;
}

const led = (expiresAt: number) => ({
  leader: { expiresAt: new Date(expiresAt).toISOString() } as NonNullable<Leadership['leader']>,
});

test('while the leader changes, nothing is asked before the leadership', async () => {
  const begin = Date.now();
  const names = await asked((at) => (at < 10_000 ? led(begin + 10_000) : { leader: null }), 20);
  expect(names.slice(9, 19)).toEqual(Array.from({ length: 10 }, () => 'leadership'));
});

test('a group that stays without a leader lets the other questions have their turn', async () => {
  const names = await asked(() => ({ leader: null }), 200);
  expect(new Set(names.slice(20))).toEqual(
    new Set(['leadership', 'terms', 'journal', 'logs', 'backups', 'jobs', 'workers', 'policy']),
  );
});

test('a page that opens has asked for everything that it shows within ten seconds, the leadership in between', async () => {
  const begin = Date.now();
  const names = await asked((at) => led(begin + at + 10_000), 11);
  expect(names.slice(0, 2)).toEqual(['leadership', 'terms']);
  expect(new Set(names).size).toBe(8);
  expect(names.filter((name) => name === 'leadership').length).toBeGreaterThanOrEqual(3);
});
