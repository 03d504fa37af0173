import { describe, expect, test } from 'vitest';
import { append } from '../../../log/protocol/append.ts';
import { catchUp } from '../../../log/protocol/catch-up.ts';
import type { LogParts } from '../../../log/protocol/log.ts';
import { positions, type ReadAnswer, read } from '../../../log/protocol/reader.ts';
import type { WriterRecord } from '../../../log/protocol/sequencer.ts';
import { appendAs, calmly, electWriter, memoryOf } from '../../support/log/calm-log.ts';

const page = { limit: 100, maxBytes: 10_000 };
const texts = (answer: ReadAnswer) =>
  'items' in answer ? answer.items.map(({ data }) => Buffer.from(data).toString()) : answer;

function truncate(parts: LogParts, { writerId }: WriterRecord, to: number) {
  const requestId = `truncate-${to}`;
  return append(parts, memoryOf(), { writerId, requestId, content: { type: 'TRUNCATE', to } });
}

describe('a read', () => {
  test('shows the entries in order, page by page, and says where the next one begins', () =>
    calmly({}, async ({ parts }) => {
      const writer = await electWriter(parts);
      await appendAs(parts, writer, 'a', { count: 5 });
      expect(texts(await read(parts, page))).toEqual(['a/0', 'a/1', 'a/2', 'a/3', 'a/4']);
      expect(await read(parts, { ...page, limit: 2 })).toMatchObject({ nextFrom: 3 });
      expect(await read(parts, { ...page, maxBytes: 9 })).toMatchObject({ nextFrom: 4 });
      expect(texts(await read(parts, { ...page, maxBytes: 1, from: 2 }))).toEqual(['a/1']);
    }));

  test('asks the next replica after a moment, once, where the furthest one stops answering', () =>
    calmly({}, async ({ parts }) => {
      const writer = await electWriter(parts);
      const memory = memoryOf();
      for (let at = 0; at < 5; at += 1) await appendAs(parts, writer, `${at}`, { count: 64, memory });
      const asked = [0, 0, 0];
      const replicas = parts.replicas.map((replica, at) => ({
        ...replica,
        async range(from: number, to: number, only?: 'learned') {
          if (only) asked[at] = (asked[at] ?? 0) + 1;
          if (at === 0 && only) await parts.timer.sleep(60_000);
          return replica.range(from, to, only);
        },
      }));
      const startedAt = parts.timer.now();
      const answer = await read({ ...parts, replicas }, { limit: 64, maxBytes: 1e6, from: 1, to: 320 });
      expect('items' in answer && answer.items).toHaveLength(64);
      expect(parts.timer.now() - startedAt).toBeLessThan(parts.settings.answerMs);
      const next = await read({ ...parts, replicas }, { limit: 320, maxBytes: 1e6, from: 1, to: 320 });
      expect('items' in next && next.items).toHaveLength(320);
      expect(asked[0]).toBe(2);
    }));

  test.each([
    ['slow', 1_000],
    ['away', 60_000],
  ])('shows what was acknowledged, though one who accepted it is %s and the third missed it', (_state, delayMs) =>
    calmly({}, async ({ parts, down }) => {
      const writer = await electWriter(parts);
      const memory = memoryOf();
      await appendAs(parts, writer, 'a', { memory });
      down.add(2);
      expect(await appendAs(parts, writer, 'b', { memory })).toEqual({ first: 2, last: 2 });
      down.clear();
      const replicas = parts.replicas.map((replica, at) => ({
        ...replica,
        async range(from: number, to: number, only?: 'learned') {
          if (at === 1) await parts.timer.sleep(delayMs);
          return replica.range(from, to, only);
        },
      }));
      const answer = await read({ ...parts, replicas }, page);
      expect(texts(answer)).toEqual(['a/0', 'b/0']);
    }),
  );

  test('names what is wrong with a range', () =>
    calmly({}, async ({ parts }) => {
      const writer = await electWriter(parts);
      await appendAs(parts, writer, 'a', { count: 5 });
      expect(await truncate(parts, writer, 3)).toMatchObject({ first: 6 });
      expect(await read(parts, { ...page, from: 4, to: 3 })).toEqual({ badRange: { from: 4, to: 3 } });
      expect(await read(parts, { ...page, from: 2, to: 4 })).toEqual({ truncated: { begin: 3 } });
      expect(await read(parts, { ...page, from: 4, to: 7 })).toEqual({ pastEnd: { end: 6 } });
      expect(texts(await read(parts, page))).toEqual(['a/2', 'a/3', 'a/4']);
      expect(await read(parts, { ...page, from: 7 })).toEqual({ items: [] });
    }));

  test('shows nothing that is pending; what was abandoned is settled after two seconds', () =>
    calmly({}, async ({ parts, down, world }) => {
      const writer = await electWriter(parts);
      await appendAs(parts, writer, 'a');
      down.add(0).add(1);
      await appendAs(parts, writer, 'b');
      // The third replica accepts after the writer gave up.
      await parts.timer.sleep(100);
      down.clear();
      expect(await read(parts, { ...page, from: 1, to: 2 })).toEqual({ pending: 2 });
      expect(texts(await read(parts, page))).toEqual(['a/0']);
      world.now += 3_000;
      // So that the fill has to ask the one replica that holds it.
      down.add(0);
      expect(texts(await read(parts, { ...page, from: 1, to: 2 }))).toEqual(['a/0', 'b/0']);
    }));

  test('needs a quorum that votes', () =>
    calmly({}, async ({ parts, replicas }) => {
      replicas[0]?.wipe();
      replicas[1]?.wipe();
      expect(await read(parts, page)).toMatchObject({ notRecovered: { voting: 1, quorum: 2 } });
    }));
});

test('a truncation to more than the next position is refused and takes no position', () =>
  calmly({}, async ({ parts }) => {
    const writer = await electWriter(parts);
    expect(await truncate(parts, writer, 2)).toEqual({ outOfRange: { next: 1 } });
    expect(await truncate(parts, writer, 1)).toEqual({ first: 1, last: 1 });
  }));

test('positions tell every replica, its status and its lag', () =>
  calmly({}, async ({ parts, down }) => {
    const writer = await electWriter(parts);
    down.add(2);
    await appendAs(parts, writer, 'a', { count: 3 });
    down.clear();
    down.add(1);
    expect(await positions(parts)).toMatchObject({
      begin: 0,
      end: 3,
      replicas: [
        { id: '1', status: 'VOTING', lag: 0 },
        { id: '2', status: 'UNREACHABLE' },
        { id: '3', status: 'VOTING', lag: 3 },
      ],
    });
  }));

describe('a catch-up', () => {
  test('brings a lagging replica up and does not demote the writer', () =>
    calmly({}, async ({ parts, down, replicas }) => {
      const writer = await electWriter(parts);
      const memory = memoryOf();
      down.add(2);
      for (const request of ['a', 'b', 'c']) await appendAs(parts, writer, request, { memory });
      down.clear();
      const [, , lagging] = parts.replicas;
      if (!lagging) return;
      expect(await catchUp(parts, lagging, { from: 0, to: 2 })).toEqual({ learned: 2, filled: 0 });
      expect(replicas[2]?.inForce.end).toBe(2);
      expect(await appendAs(parts, writer, 'd', { memory })).toEqual({ first: 4, last: 4 });
    }));

  test('waits for a replica in a far Region longer than for the last of the voters', () =>
    calmly({}, async ({ parts, down, delays, replicas }) => {
      const writer = await electWriter(parts);
      down.add(2);
      await appendAs(parts, writer, 'a', { count: 3 });
      down.clear();
      delays.set(2, 150);
      const [, , far] = parts.replicas;
      if (!far) return;
      expect(await catchUp(parts, far, { from: 0, to: 3 })).toEqual({ learned: 1, filled: 0 });
      expect(replicas[2]?.inForce.end).toBe(3);
      delays.set(2, 5_000);
      expect(await catchUp(parts, far, { from: 0, to: 3 })).toEqual({ stuckAt: 0 });
    }));

  test('of a replica that missed what was truncated costs what is left, not the gap', () =>
    calmly({}, async ({ parts, down, replicas }) => {
      const writer = await electWriter(parts);
      const memory = memoryOf();
      down.add(2);
      for (let request = 0; request < 20; request += 1)
        await appendAs(parts, writer, `r${request}`, { count: 50, memory });
      expect(await truncate(parts, writer, 990)).toMatchObject({ first: 1_001 });
      down.clear();
      const [, , lagging] = parts.replicas;
      if (!lagging) return;
      let requests = 0;
      const counted = {
        ...lagging,
        learn: (...args: Parameters<typeof lagging.learn>) => {
          requests += 1;
          return lagging.learn(...args);
        },
      };
      const at = { ...parts, replicas: parts.replicas.map((replica) => (replica === lagging ? counted : replica)) };
      expect(await catchUp(at, counted, { from: 0, to: 1_001 })).toEqual({ learned: 2, filled: 0 });
      expect(replicas[2]?.inForce).toMatchObject({ begin: 990, end: 1_001 });
      expect(requests).toBeLessThanOrEqual(3);
    }));
});
