import { describe, expect, test } from 'vitest';
import { catchUp } from '../../../log/protocol/catch-up.ts';
import { follow, inspectFrom } from '../../../log/protocol/inspect.ts';
import type { LogParts } from '../../../log/protocol/log.ts';
import { UnreachableError } from '../../../log/protocol/quorum.ts';
import { read } from '../../../log/protocol/reader.ts';
import type { WriterRecord } from '../../../log/protocol/sequencer.ts';
import { appendAs, calmly, electWriter, memoryOf } from '../../support/log/calm-log.ts';

const positionsOf = (chosen: ReadonlyMap<number, unknown>) => [...chosen.keys()].sort((one, other) => one - other);
const upTo = (last: number) => Array.from({ length: last + 1 }, (_, position) => position);

async function appendOneByOne(parts: LogParts, writer: WriterRecord, count: number): Promise<void> {
  const memory = memoryOf();
  for (let at = 0; at < count; at += 1) await appendAs(parts, writer, `r${at}`, { memory });
}

/** The first positions of the slots, where all of them are chosen. */
async function slots(parts: LogParts, from: number, to: number, fromSlot = true): Promise<number[]> {
  const firsts: number[] = [];
  const course = await follow<{ open: number }>(parts, {
    from,
    to,
    fromSlot,
    open: async (position) => ({ open: position }),
    pass: (slot) => void firsts.push(slot.position),
  });
  expect(course).toHaveProperty('next');
  return firsts;
}

describe('a log of slots', () => {
  test('is followed from the slot that holds a position, each slot saying where the next one begins', () =>
    calmly({}, async ({ parts }) => {
      const writer = await electWriter(parts);
      const memory = memoryOf();
      for (const [request, count] of [
        ['a', 5],
        ['b', 1],
        ['c', 64],
      ] as const) {
        await appendAs(parts, writer, request, { count, memory });
      }
      expect(await slots(parts, 0, 70)).toEqual([0, 1, 6, 7]);
      expect(await slots(parts, 3, 6, false)).toEqual([1, 6]);
      expect(await slots(parts, 40, 40, false)).toEqual([7]);
      expect((await inspectFrom(parts, 40, 50)).start).toBe(7);
    }));
});

test('slots whose mark and run others have replaced are read without a fill', () =>
  calmly({}, async ({ parts }) => {
    const writer = await electWriter(parts);
    await appendOneByOne(parts, writer, 10);
    // Another process appends for the same writer: what it knows to be settled begins with its own slots.
    const memory = memoryOf();
    for (let at = 10; at < 15; at += 1) await appendAs(parts, writer, `r${at}`, { memory });
    await appendAs(parts, await electWriter(parts, 2), 'next', { memory: memoryOf() });
    let fills = 0;
    const counting = parts.replicas.map((replica) => ({
      ...replica,
      promiseAt: (request: Parameters<typeof replica.promiseAt>[0]) => {
        fills += 1;
        return replica.promiseAt(request);
      },
    }));
    const page = await read({ ...parts, replicas: counting }, { from: 1, to: 15, limit: 100, maxBytes: 1_000_000 });
    expect('items' in page && page.items).toHaveLength(15);
    expect(fills).toBe(0);
  }));

describe('when the answer of one replica ends early', () => {
  test('an inspection ends there for all of them', () =>
    calmly({}, async ({ parts, replicas, down }) => {
      const writer = await electWriter(parts);
      down.add(2);
      await appendOneByOne(parts, writer, 10);
      down.clear();
      // Each entry has four bytes; position 0 is a NOP.
      Object.assign(replicas[0] ?? {}, { rangeBytes: 5 });
      const inspection = await inspectFrom(parts, 0, 20);
      expect(inspection.to).toBe(2);
      expect(positionsOf(inspection.chosen)).toEqual([0, 1, 2]);
      expect(inspection.ranges).toMatchObject([{ to: 2 }, { to: 2 }, { to: 2 }]);
      expect(inspection.ranges.map((range) => range?.actions.length)).toEqual([3, 3, 1]);
      expect(await slots(parts, 0, 10)).toEqual(upTo(10));
    }));

  test('a replica that does not answer all along counts as one that did not answer', () =>
    calmly({}, async ({ parts, replicas }) => {
      const writer = await electWriter(parts);
      await appendOneByOne(parts, writer, 10);
      for (const replica of replicas) replica.rangeBytes = 15;
      const [first, second, third] = parts.replicas;
      if (!first || !second || !third) return;
      const range = (from: number, to: number) =>
        from > 1 ? Promise.reject(new UnreachableError('down')) : third.range(from, to);
      const silent = { ...parts, replicas: [first, second, { ...third, range }] };
      expect(await slots(silent, 1, 10)).toEqual(upTo(10).slice(1));
    }));

  test('reads, catch-ups and repeated appends continue from there', () =>
    calmly({}, async ({ parts, replicas, down }) => {
      const writer = await electWriter(parts);
      down.add(2);
      await appendOneByOne(parts, writer, 10);
      await appendAs(parts, writer, 'a', { count: 20, memory: memoryOf() });
      down.clear();
      for (const replica of replicas) replica.rangeBytes = 4;
      const answer = await read(parts, { limit: 100, maxBytes: 10_000 });
      expect('items' in answer && answer.items).toHaveLength(30);
      const [, , lagging] = parts.replicas;
      if (!lagging) return;
      expect(await catchUp(parts, lagging, { from: 0, to: 30 })).toEqual({ learned: 11, filled: 0 });
      expect(await appendAs(parts, writer, 'a', { count: 20 })).toEqual({ first: 11, last: 30 });
      const again = await electWriter(parts, 1);
      expect(await appendAs(parts, again, 'a', { count: 20 })).toEqual({ first: 11, last: 30 });
      expect(await appendAs(parts, again, 'b')).toMatchObject({ first: 31 });
    }));
});
