import { describe, expect, test } from 'vitest';
import { runMinute, within } from '../../../functions/operations/minute.ts';
import { logger } from '../../../functions/platform/logging.ts';

logger.setLogLevel('SILENT');
const atOnce = { random: () => 0, wait: async () => {} };

describe('a minute', () => {
  test('does its chores one after the other, the hourly ones in the first of the hour', async () => {
    const order: string[] = [];
    const chore = (name: string) => ({
      name,
      run: async () => {
        order.push(`${name} begins`);
        await Promise.resolve();
        order.push(`${name} ends`);
        return name;
      },
    });
    const chores = [chore('one'), { ...chore('rare'), hourly: true }, chore('two')];
    expect(await runMinute('2026-01-01T00:01:00Z', chores, atOnce)).toEqual({ one: 'one', two: 'two' });
    expect(order).toEqual(['one begins', 'one ends', 'two begins', 'two ends']);
    expect(await runMinute('2026-01-01T01:00:00Z', chores, atOnce)).toHaveProperty('rare');
  });

  test('that fails in one chore does the others, and then fails, so that it is noticed', async () => {
    const done: string[] = [];
    const failing = (name: string) => ({ name, run: () => Promise.reject(new Error(`no ${name}`)) });
    const fine = { name: 'fine', run: async () => done.push('fine') };
    await expect(runMinute('2026-01-01T00:01:00Z', [failing('one'), fine], atOnce)).rejects.toThrow('no one');
    const both = runMinute('2026-01-01T00:01:00Z', [failing('one'), failing('two'), fine], atOnce);
    await expect(both).rejects.toThrow('Error: no one; Error: no two');
    expect(done).toEqual(['fine', 'fine']);
  });

  test('begins at a moment of its own, so that the stages of an account do not begin together', async () => {
    const waits: number[] = [];
    const wait = async (ms: number) => waits.push(ms);
    for (const random of [0, 0.5, 1]) await runMinute('2026-01-01T00:01:00Z', [], { random: () => random, wait });
    expect(waits).toEqual([0, 250, 500]);
  });

  test('a chore gets a part of the time, or what is left when that is less', () => {
    let left = 300_000;
    const remainingMs = within(45_000, () => left);
    expect(remainingMs()).toBe(45_000);
    left -= 40_000;
    expect(remainingMs()).toBe(5_000);
    expect(within(45_000, () => 10_000)()).toBe(10_000);
  });
});
