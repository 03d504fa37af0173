import { describe, expect, test } from 'vitest';
import type { LogParts } from '../../../log/protocol/log.ts';
import { catchUpSlice, decideRounds } from '../../../log/protocol/recovering.ts';
import type { Replica } from '../../../log/protocol/replica.ts';
import { split } from '../../../log/recovery-workflow.ts';
import { appendAs, calmly, electWriter, memoryOf } from '../../support/log/calm-log.ts';

const options = { autoInitialize: true, force: false, finished: '', budgetMs: 6_000 };

/** The state machine's use of the two tasks: rounds, all ranges, and a round that finishes. */
async function asWorkflow(parts: LogParts, replica: Replica, force: boolean): Promise<string> {
  let finished = '';
  for (let round = 0; round < 10; round += 1) {
    const decided = await decideRounds(parts, replica, { ...options, finished, force: force && round === 0 });
    finished = '';
    if (decided.next !== 'catchUp') return decided.next;
    const { incarnation, ranges } = decided.plan;
    const slices = await Promise.all(
      ranges.map((range) => catchUpSlice(parts, replica, { incarnation, range, budgetMs: 10_000 })),
    );
    if (slices.every(({ next }) => next === 'done')) finished = incarnation;
  }
  return 'never';
}

describe('a range is cut into parts', () => {
  test('that cover every position once and keep what goes with it', () => {
    const parts = split({ from: 3, to: 5_002, fillTo: 17, salvage: true });
    expect(parts.length).toBe(8);
    const covered = parts.flatMap(({ from, to }) => Array.from({ length: to - from + 1 }, (_, at) => from + at));
    expect(covered).toEqual(Array.from({ length: 5_000 }, (_, at) => 3 + at));
    for (const part of parts) expect(part).toMatchObject({ fillTo: 17, salvage: true });
    expect(split({ from: 3, to: 2, fillTo: 2 })).toEqual([]);
  });
});

describe('as the workflow runs it,', () => {
  test('a wiped replica is recovered', () =>
    calmly({}, async ({ parts, replicas }) => {
      const writer = await electWriter(parts);
      await appendAs(parts, writer, 'a', { count: 60 });
      replicas[2]?.wipe();
      const [, , wiped] = parts.replicas;
      if (!wiped) throw new Error('no replica');
      expect(await asWorkflow(parts, wiped, false)).toBe('done');
      expect(replicas[2]?.inForce).toMatchObject({ status: 'VOTING', end: 60 });
    }));

  test('a replica that votes is recovered only by force, and only while a quorum of the others votes', () =>
    calmly({}, async ({ parts, replicas, down }) => {
      const writer = await electWriter(parts);
      await appendAs(parts, writer, 'a');
      const [first] = parts.replicas;
      if (!first) throw new Error('no replica');
      const view = replicas[0]?.inForce.view;
      expect(await asWorkflow(parts, first, false)).toBe('done');
      expect(replicas[0]?.inForce.view).toBe(view);
      down.add(1);
      expect(await asWorkflow(parts, first, true)).toBe('done');
      expect(replicas[0]?.inForce.view).toBe(view);
      down.clear();
      expect(await asWorkflow(parts, first, true)).toBe('done');
      expect(replicas[0]?.inForce).toMatchObject({ status: 'VOTING', end: 1 });
      expect(replicas[0]?.inForce.view).not.toBe(view);
    }));

  test('a log whose quorum is lost waits, unless it is forced to continue with what is left', () =>
    calmly({}, async ({ parts, replicas, down }) => {
      const writer = await electWriter(parts);
      const memory = memoryOf();
      for (const request of ['a', 'b']) await appendAs(parts, writer, request, { memory });
      replicas[1]?.wipe();
      replicas[2]?.wipe();
      const [, second, third] = parts.replicas;
      if (!second || !third) throw new Error('no replica');
      expect(await asWorkflow(parts, second, false)).toBe('wait');
      down.add(2);
      expect(await asWorkflow(parts, second, true)).toBe('wait');
      down.clear();
      expect(await asWorkflow(parts, second, true)).toBe('done');
      expect(await asWorkflow(parts, third, false)).toBe('done');
      expect(replicas.map(({ inForce }) => [inForce.status, inForce.end])).toEqual(Array(3).fill(['VOTING', 2]));
    }));
});
