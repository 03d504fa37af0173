/** Ranges of slots. */
import { expect, it } from 'vitest';
import { type Action, dataBytes, rangeBytes, sameValue, type Value } from '../../../../log/protocol/replica.ts';
import { type Make, slot, voting, write } from '../../../support/log/replica-requests.ts';

export function rangesContract(make: Make): void {
  it('answers the slot that holds a position, from whichever position a range begins', async () => {
    const replica = await voting(make);
    await replica.write(write(1, 1, slot('a', 5)));
    await replica.write(write(1, 6, slot('b', 2)));
    expect(await replica.read()).toMatchObject({ end: 7 });
    const firsts = async (from: number, to: number) =>
      (await replica.range(from, to)).actions.map(({ position }) => position);
    expect(await firsts(3, 9)).toEqual([1, 6]);
    expect(await firsts(6, 9)).toEqual([6]);
    expect(await firsts(7, 7)).toEqual([6]);
    expect(await firsts(0, 1)).toEqual([1]);
  });

  it('keeps positions above 9,999,999,999 in order', async () => {
    const replica = await voting(make);
    const positions = [9_999_999_998, 9_999_999_999, 10_000_000_000, 100_000_000_000, Number.MAX_SAFE_INTEGER];
    for (const position of positions.toReversed()) await replica.write(write(1, position));
    const { actions, meta } = await replica.range(9_999_999_998, Number.MAX_SAFE_INTEGER);
    expect(actions.map(({ position }) => position)).toEqual(positions);
    expect(meta.end).toBe(Number.MAX_SAFE_INTEGER);
    const two = await replica.range(9_999_999_999, 10_000_000_000);
    expect(two.actions.map(({ position }) => position)).toEqual([9_999_999_999, 10_000_000_000]);
  });

  it('ends a range early once it has much data, says where, and says nothing of what comes after', async () => {
    const replica = await voting(make);
    const large = (position: number): Value => {
      return { type: 'APPEND', requests: [], entries: [new Uint8Array(128 * 1024).fill(position)] };
    };
    for (let position = 0; position < 24; position += 1) await replica.write(write(1, position, large(position)));
    await replica.write(write(1, 60));
    const read: Action[] = [];
    const ends: number[] = [];
    for (let from = 0; from <= 99; from = (ends.at(-1) ?? 99) + 1) {
      const { actions, to } = await replica.range(from, 99);
      expect(actions.reduce((sum, action) => sum + dataBytes(action), 0)).toBeLessThan(1.5 * rangeBytes);
      expect(actions.every(({ position }) => from <= position && position <= to)).toBe(true);
      read.push(...actions);
      ends.push(to);
    }
    expect(read.map(({ position }) => position)).toEqual([...Array(24).keys(), 60]);
    expect(read.every(({ position, value }) => position === 60 || sameValue(value as Value, large(position)))).toBe(
      true,
    );
    expect([ends.length, ends.at(-1)]).toEqual([2, 99]);
    expect(await replica.range(30, 40)).toMatchObject({ actions: [{ position: 23 }], to: 40 });
  });
}
