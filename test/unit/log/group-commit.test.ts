import { describe, expect, test } from 'vitest';
import type { Appended } from '../../../log/protocol/append.ts';
import { appendTogether } from '../../../log/protocol/append-together.ts';
import { GroupCommit } from '../../../log/protocol/group-commit.ts';
import { read } from '../../../log/protocol/reader.ts';
import type { WriterRecord } from '../../../log/protocol/sequencer.ts';
import { appendAs, type CalmLog, calmly, electWriter, entries, memoryOf } from '../../support/log/calm-log.ts';

const requestOf = ({ writerId }: WriterRecord, requestId: string, count = 1) => ({
  writerId,
  requestId,
  content: entries(requestId, count),
});

/** Counts what reaches a replica or the sequencer. */
function counting(log: CalmLog) {
  const counts = new Map<string, number>();
  const { before } = log;
  log.before = (place, method) => {
    before(place, method);
    counts.set(method, (counts.get(method) ?? 0) + 1);
  };
  const revisions = () => log.sequencer.record?.revision ?? 0;
  return { writes: () => counts.get('accept') ?? 0, revisions };
}

async function texts({ parts }: CalmLog): Promise<string[]> {
  const answer = await read(parts, { limit: 1_000, maxBytes: 1e6 });
  if (!('items' in answer)) throw new Error(JSON.stringify(answer));
  return answer.items.map(({ data }) => Buffer.from(data).toString());
}

describe('requests of one writer that come while a round is under way', () => {
  test('share the next one: one write of the sequencer and of each replica for all of them', () =>
    calmly({}, async (log) => {
      const writer = await electWriter(log.parts);
      const { writes, revisions } = counting(log);
      const memory = memoryOf(writer);
      const rounds = new GroupCommit();
      const began = revisions();
      const appended = await Promise.all(
        Array.from({ length: 17 }, (_, at) => rounds.append(log.parts, memory, requestOf(writer, `request-${at}`))),
      );
      expect(appended).toEqual(Array.from({ length: 17 }, (_, at) => ({ first: 1 + at, last: 1 + at })));
      // The third replica is still under way when a quorum has answered.
      await log.parts.timer.sleep(100);
      expect([revisions() - began, writes()]).toEqual([2, 6]);
      expect(await texts(log)).toEqual(Array.from({ length: 17 }, (_, at) => `request-${at}/0`));
    }));

  test('are as many as one request may carry, and a truncation has a round of its own', () =>
    calmly({}, async (log) => {
      const writer = await electWriter(log.parts);
      const { revisions } = counting(log);
      const memory = memoryOf(writer);
      const rounds = new GroupCommit();
      const began = revisions();
      const appended = [10, 40, 30, 5].map((count, at) =>
        rounds.append(log.parts, memory, requestOf(writer, `request-${at}`, count)),
      );
      const requestId = 'truncation';
      const truncation = {
        writerId: writer.writerId,
        requestId,
        content: { type: 'TRUNCATE' as const, to: 3 },
      };
      appended.push(rounds.append(log.parts, memory, truncation));
      expect(await Promise.all(appended)).toEqual([
        { first: 1, last: 10 },
        { first: 11, last: 50 },
        { first: 51, last: 80 },
        { first: 81, last: 85 },
        { first: 86, last: 86 },
      ]);
      // The first alone, 40 alone, 30 and 5, the truncation.
      expect(revisions() - began).toBe(4);
    }));

  test('each learn what became of them when a rival came between', () =>
    calmly({}, async (log) => {
      const writer = await electWriter(log.parts, 1);
      const memory = memoryOf(writer);
      const known = await appendAs(log.parts, writer, 'known', { memory });
      await electWriter(log.parts, 2);
      const requests = ['known', 'new', 'newer'].map((id) => requestOf(writer, id));
      expect(known).toEqual({ first: 1, last: 1 });
      expect(await appendTogether(log.parts, memory, requests)).toEqual(
        requests.map((): Appended => ({ notElected: true })),
      );
    }));

  test('are placed once, also those that were placed before', () =>
    calmly({}, async (log) => {
      const writer = await electWriter(log.parts);
      const memory = memoryOf(writer);
      await appendAs(log.parts, writer, 'b', { memory });
      const requests = ['a', 'b', 'c'].map((id) => requestOf(writer, id));
      const once = await appendTogether(log.parts, memory, requests);
      expect(once).toEqual([
        { first: 2, last: 2 },
        { first: 1, last: 1 },
        { first: 3, last: 3 },
      ]);
      expect(await appendTogether(log.parts, memoryOf(), requests)).toEqual(once);
      expect(await texts(log)).toEqual(['b/0', 'a/0', 'c/0']);
    }));

  test('are unknown, all of them, when no quorum answers, and in the log once they are repeated', () =>
    calmly({}, async (log) => {
      const { parts, mute } = log;
      const writer = await electWriter(parts);
      for (const place of [0, 1, 2]) mute.add(`${place} accept`);
      const requests = ['a', 'b'].map((id) => requestOf(writer, id));
      const unknown: Appended = { outcomeUnknown: true };
      expect(await appendTogether(parts, memoryOf(), requests)).toEqual([unknown, unknown]);
      mute.clear();
      const next = await electWriter(parts);
      const again = requests.map((request) => ({ ...request, writerId: next.writerId }));
      expect(await appendTogether(parts, memoryOf(), again)).toEqual([
        { first: 1, last: 1 },
        { first: 2, last: 2 },
      ]);
      expect(await texts(log)).toEqual(['a/0', 'b/0']);
    }));
});

describe('a writer that appends from two processes in turn', () => {
  test('forgets nothing that the sequencer does not know yet', () =>
    calmly({}, async ({ parts, sequencer: store }) => {
      const writer = await electWriter(parts);
      const memories = [memoryOf(), memoryOf()];
      for (let turn = 0; turn < 10; turn += 1) {
        const memory = memories[turn % 2] ?? expect.fail('no memory');
        expect(await appendAs(parts, writer, `turn-${turn}`, { memory })).toHaveProperty('first');
      }
      expect((store.record?.next ?? 0) - (store.record?.settled ?? 0)).toBeLessThanOrEqual(4);
    }));

  test('learns that nothing was placed when others get all positions before it', () =>
    calmly({}, async ({ parts, sequencer: store }) => {
      const writer = await electWriter(parts);
      const replace: typeof parts.sequencer.replace = async () => ({ replaced: false, writer: store.record });
      const crowded = { ...parts, sequencer: { ...parts.sequencer, replace } };
      expect(await appendAs(crowded, writer, 'a')).toEqual({ throttled: true });
      expect(await appendAs(parts, writer, 'a')).toEqual({ first: 1, last: 1 });
    }));
});
