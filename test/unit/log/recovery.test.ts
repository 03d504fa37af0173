import { describe, expect, test } from 'vitest';
import { catchUp } from '../../../log/protocol/catch-up.ts';
import { read } from '../../../log/protocol/reader.ts';
import { decide, finish, recover, recoveryRound } from '../../../log/protocol/recovery.ts';
import { type Meta, nothingThere, type Status } from '../../../log/protocol/replica.ts';
import { appendAs, calmly, electWriter, memoryOf } from '../../support/log/calm-log.ts';

const meta = (status: Status, more: Partial<Meta> = {}): Meta => ({
  ...nothingThere,
  status,
  incarnation: 'life',
  ...more,
});
const circumstances = { autoInitialize: true, hasWriter: false, salvage: false };
const step = (self: Status, others: (Status | undefined)[], more: object = {}) =>
  among(
    2,
    meta(self),
    others.map((status) => status && meta(status)),
    more,
  );

/** Decides where so many of the others must vote. */
function among(quorum: number, self: Meta, others: (Meta | undefined)[], more: object = {}) {
  const voting = others.filter((other) => other?.status === 'VOTING').length;
  return decide(self, others, { ...circumstances, votes: { voting, quorum, met: voting >= quorum }, ...more });
}

describe('decides', () => {
  test.each<[Status, (Status | undefined)[], string, object?]>([
    ['EMPTY', ['VOTING', 'VOTING'], 'recover'],
    ['STARTING', ['VOTING', 'VOTING'], 'recover'],
    ['RECOVERING', ['VOTING', 'VOTING'], 'recover'],
    ['EMPTY', ['EMPTY', 'EMPTY'], 'start'],
    ['EMPTY', ['STARTING', 'EMPTY'], 'start'],
    ['STARTING', ['STARTING', 'STARTING'], 'vote'],
    ['STARTING', ['STARTING', 'VOTING'], 'vote'],
    ['STARTING', ['EMPTY', 'STARTING'], 'wait'],
    ['EMPTY', ['VOTING', 'EMPTY'], 'wait'],
    ['EMPTY', ['VOTING', 'STARTING'], 'wait'],
    ['EMPTY', ['EMPTY', undefined], 'wait'],
    ['STARTING', ['STARTING', undefined], 'wait'],
    ['EMPTY', ['RECOVERING', 'EMPTY'], 'wait'],
    ['RECOVERING', ['RECOVERING', 'VOTING'], 'wait'],
    ['EMPTY', ['EMPTY', 'EMPTY'], 'wait', { autoInitialize: false }],
    ['EMPTY', ['EMPTY', 'EMPTY'], 'wait', { hasWriter: true }],
    ['EMPTY', ['VOTING', 'EMPTY'], 'salvage', { salvage: true }],
    ['EMPTY', ['VOTING', undefined], 'wait', { salvage: true }],
    ['EMPTY', ['VOTING', 'VOTING'], 'recover', { salvage: true }],
  ])('%s among %j: %s', (self, others, expected, more) => {
    expect(step(self, others, more)).toMatchObject({ step: expected });
  });

  test('as soon as a quorum votes, whichever replica does not answer', () => {
    const others = [meta('VOTING'), undefined, meta('VOTING'), undefined];
    expect(among(3, meta('EMPTY'), others)).toMatchObject({ step: 'wait' });
    expect(among(3, meta('EMPTY'), [...others.slice(0, 3), meta('VOTING')])).toEqual({
      step: 'recover',
    });
  });

  test('to leave a replica alone that a restore fills', () => {
    const filled = meta('RECOVERING', { restoreId: 'restore' });
    expect(among(2, filled, [meta('VOTING'), meta('VOTING')])).toMatchObject({ step: 'wait' });
  });

  test('with a reason that says what an operator can do', () => {
    expect(step('EMPTY', ['EMPTY', 'EMPTY'], { autoInitialize: false })).toMatchObject({
      reason: expect.stringContaining('tenure log init'),
    });
    expect(step('EMPTY', ['EMPTY', 'EMPTY'], { hasWriter: true })).toMatchObject({
      reason: expect.stringContaining('backup'),
    });
    expect(step('EMPTY', ['VOTING', 'EMPTY'])).toMatchObject({ reason: expect.stringContaining('force') });
  });
});

describe('a replica', () => {
  test('founds a fresh log with the others in two phases', () =>
    calmly({ voting: false }, async ({ parts, replicas }) => {
      await Promise.all(parts.replicas.map((replica) => recover(parts, replica, { autoInitialize: true })));
      expect(replicas.map(({ inForce }) => inForce.status)).toEqual(['VOTING', 'VOTING', 'VOTING']);
    }));

  test('that was wiped takes over the promise and everything that was settled, and demotes the writer once', () =>
    calmly({}, async ({ parts, replicas }) => {
      const writer = await electWriter(parts, 7);
      for (const request of ['a', 'b', 'c']) await appendAs(parts, writer, request);
      replicas[0]?.wipe();
      const [wiped] = parts.replicas;
      if (!wiped) return;
      await recover(parts, wiped, { autoInitialize: true });
      expect(replicas[0]?.inForce).toMatchObject({ status: 'VOTING', promised: writer.number, end: 3 });
      expect(replicas[0]?.actions.size).toBe(4);
      // The replicas hold it staged, so the next election has it.
      expect(await appendAs(parts, writer, 'd')).toEqual({ outcomeUnknown: true });
      expect(await appendAs(parts, writer, 'd')).toEqual({ notElected: true, closed: true });
      const again = await electWriter(parts, 7);
      expect(await appendAs(parts, again, 'e')).toMatchObject({ first: expect.any(Number) });
    }));

  test('in a far Region comes back, though all its answers come long after those of the quorum', () =>
    calmly({}, async ({ parts, replicas, delays }) => {
      const writer = await electWriter(parts);
      for (const request of ['a', 'b', 'c']) await appendAs(parts, writer, request);
      replicas[2]?.wipe();
      delays.set(2, 150);
      const [, , far] = parts.replicas;
      if (!far) return;
      await recover(parts, far, { autoInitialize: true });
      expect(replicas[2]?.inForce).toMatchObject({ status: 'VOTING', end: 3 });
      expect(replicas[2]?.actions.size).toBe(4);
    }));

  test('that is wiped again while it is recovered does not vote with what the first recovery found', () =>
    calmly({}, async ({ parts, replicas }) => {
      const writer = await electWriter(parts);
      await appendAs(parts, writer, 'a');
      const [first] = parts.replicas;
      if (!first) return;
      replicas[0]?.wipe();
      const round = await recoveryRound(parts, first, true);
      if (round.phase !== 'catching-up') throw new Error(round.phase);
      replicas[0]?.wipe();
      await first.create({ incarnation: 'another', view: 'another' });
      expect(await catchUp(parts, first, round)).toMatchObject({ learned: expect.any(Number) });
      expect(await finish(first, round.incarnation)).toBe(false);
      expect(replicas[0]?.inForce.status).toBe('EMPTY');
    }));

  test('comes back as EMPTY when its table was brought back from a backup', () =>
    calmly({}, async ({ parts, replicas }) => {
      const writer = await electWriter(parts);
      await appendAs(parts, writer, 'a');
      const old = replicas[0];
      const [first] = parts.replicas;
      if (!old || !first) return;
      const { meta: kept, actions } = old;
      await appendAs(parts, writer, 'b');
      old.restore(kept, actions);
      expect((await first.read()).status).toBe('EMPTY');
      await recover(parts, first, { autoInitialize: true });
      expect(old.inForce).toMatchObject({ status: 'VOTING', end: 2 });
    }));
});

describe('when two of three replicas are lost at one time', () => {
  test('nothing votes by itself; salvaged, the log has what is left and continues', () =>
    calmly({}, async ({ parts, replicas }) => {
      const writer = await electWriter(parts);
      const memory = memoryOf();
      for (const request of ['a', 'b', 'c']) await appendAs(parts, writer, request, { memory });
      replicas[1]?.wipe();
      replicas[2]?.wipe();
      const [, second, third] = parts.replicas;
      if (!second || !third) return;
      expect(await recoveryRound(parts, second, true)).toMatchObject({ phase: 'waiting' });
      expect(await recoveryRound(parts, third, true)).toMatchObject({ phase: 'waiting' });
      expect(await appendAs(parts, writer, 'd', { memory })).toEqual({ outcomeUnknown: true });
      await recover(parts, second, { autoInitialize: true, salvage: true });
      await recover(parts, third, { autoInitialize: true });
      expect(replicas.map(({ inForce }) => inForce.status)).toEqual(['VOTING', 'VOTING', 'VOTING']);
      const again = await electWriter(parts);
      expect(await appendAs(parts, again, 'e')).toHaveProperty('first');
      const answer = await read(parts, { limit: 100, maxBytes: 10_000 });
      const texts = 'items' in answer ? answer.items.map(({ data }) => Buffer.from(data).toString()) : answer;
      expect(texts).toEqual(['a/0', 'b/0', 'c/0', 'd/0', 'e/0']);
    }));

  test('nothing that is left is salvaged as absent when an answer ends before it', () =>
    calmly({}, async ({ parts, replicas }) => {
      const writer = await electWriter(parts);
      await appendAs(parts, writer, 'a', { count: 20 });
      for (const replica of replicas) replica.rangeBytes = 4;
      replicas[1]?.wipe();
      replicas[2]?.wipe();
      const [, second, third] = parts.replicas;
      if (!second || !third) return;
      await recover(parts, second, { autoInitialize: true, salvage: true });
      await recover(parts, third, { autoInitialize: true });
      await electWriter(parts);
      const answer = await read(parts, { limit: 100, maxBytes: 10_000 });
      expect('items' in answer && answer.items).toHaveLength(20);
    }));
});
