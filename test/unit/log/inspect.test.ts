import { describe, expect, test } from 'vitest';
import { catchUp } from '../../../functions/log/protocol/catch-up.ts';
import { inspect, inspectFrom } from '../../../functions/log/protocol/inspect.ts';
import { UnreachableError } from '../../../functions/log/protocol/quorum.ts';
import { read } from '../../../functions/log/protocol/reader.ts';
import { appendAs, calmly, memoryOf, seated } from '../../support/log/calm-log.ts';

const positionsOf = (chosen: ReadonlyMap<number, unknown>) => [...chosen.keys()].sort((one, other) => one - other);
const upTo = (last: number) => Array.from({ length: last + 1 }, (_, position) => position);

describe('when the answer of one replica ends early', () => {
  test('an inspection ends there for all of them', () =>
    calmly({}, async ({ parts, replicas, down }) => {
      const seat = await seated(parts);
      down.add(2);
      await appendAs(parts, seat, 'a', { count: 10 });
      down.clear();
      // Each entry has three bytes; position 0 is a NOP.
      Object.assign(replicas[0] ?? {}, { rangeBytes: 4 });
      const inspection = await inspectFrom(parts, 0, 20);
      expect(inspection.to).toBe(2);
      expect(positionsOf(inspection.chosen)).toEqual([0, 1, 2]);
      expect(inspection.ranges).toMatchObject([{ to: 2 }, { to: 2 }, { to: 2 }]);
      expect(inspection.ranges.map((range) => range?.actions.length)).toEqual([3, 3, 1]);
      const whole = await inspect(parts, 0, 10);
      expect(positionsOf(whole.chosen)).toEqual(upTo(10));
      expect(whole.ranges.map((range) => range?.actions.length)).toEqual([11, 11, 1]);
    }));

  test('a replica that does not answer all along counts as one that did not answer', () =>
    calmly({}, async ({ parts, replicas }) => {
      const seat = await seated(parts);
      await appendAs(parts, seat, 'a', { count: 10 });
      for (const replica of replicas) replica.rangeBytes = 15;
      const [first, second, third] = parts.replicas;
      if (!first || !second || !third) return;
      const range = (from: number, to: number) =>
        from > 1 ? Promise.reject(new UnreachableError('down')) : third.range(from, to);
      const whole = await inspect({ ...parts, replicas: [first, second, { ...third, range }] }, 1, 10);
      expect(positionsOf(whole.chosen)).toEqual(upTo(10).slice(1));
      expect(whole.ranges).toMatchObject([{ to: 10 }, { to: 10 }, undefined]);
    }));

  test('reads, catch-ups and repeated appends go on from there', () =>
    calmly({}, async ({ parts, replicas, down }) => {
      const seat = await seated(parts);
      down.add(2);
      await appendAs(parts, seat, 'a', { count: 20, memory: memoryOf() });
      down.clear();
      for (const replica of replicas) replica.rangeBytes = 4;
      const answer = await read(parts, { limit: 100, maxBytes: 10_000 });
      expect('items' in answer && answer.items).toHaveLength(20);
      const [, , lagging] = parts.replicas;
      if (!lagging) return;
      expect(await catchUp(parts, lagging, { from: 0, to: 20 })).toEqual({ learned: 20, filled: 0 });
      expect(await appendAs(parts, seat, 'a', { count: 20 })).toEqual({ first: 1, last: 20 });
      const again = await seated(parts, 1);
      expect(await appendAs(parts, again, 'a', { count: 20 })).toEqual({ first: 1, last: 20 });
      expect(await appendAs(parts, again, 'b')).toMatchObject({ first: 21 });
    }));
});
