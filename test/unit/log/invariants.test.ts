import { describe, expect, test } from 'vitest';
import { acceptSlot, changeReplica, createMeta, stageSlot } from '../../../log/dynamodb/replica-writes.ts';
import { SequencerTable } from '../../../log/dynamodb/sequencer-table.ts';
import type { MetaChange } from '../../../log/protocol/acceptor.ts';
import { requireStaged } from '../../../log/protocol/invariants.ts';
import { type AcceptRequest, type Action, type Meta, nothingThere } from '../../../log/protocol/replica.ts';
import type { WriterRecord } from '../../../log/protocol/sequencer.ts';
import { localDocuments } from '../../support/main-table.ts';

const place = { id: '1', pk: 'LOG#g#l#1' };
const meta: Meta = {
  ...nothingThere,
  status: 'VOTING',
  incarnation: 'a',
  view: 'v',
  promised: 5,
  promisedBy: 'w',
  begin: 2,
  floor: 2,
  end: 9,
  lockTurn: 3,
  configuration: 2,
};
const nop = { type: 'NOP' } as const;
const truncation = { type: 'TRUNCATE', to: 3, floor: 3, requestId: 'r' } as const;
const slot = (more: Partial<Action> = {}): Action => ({
  position: 9,
  promised: 5,
  promisedBy: 'w',
  performed: 5,
  performedBy: 'w',
  value: nop,
  ...more,
});
const held: Meta = { ...meta, status: 'RECOVERING', restoreId: 'restore' };

/** A bug of each kind, and the invariant that stops it. */
describe('a change of a replica that breaks an invariant is refused before it is sent', () => {
  const change = (of: Meta, by: MetaChange, ...slots: [before: Action | undefined, after: Action][]) =>
    changeReplica(
      place,
      { meta: of, revision: 7 },
      by,
      slots.map(([before, after]) => ({ before, after })),
    );

  test.each<[string, string, () => unknown]>([
    ['I1', 'another value under the same ballot', () => change(meta, {}, [slot(), slot({ value: truncation })])],
    [
      'I1',
      'a learned slot written again',
      () => change(meta, {}, [slot({ learned: true }), slot({ performed: 6, promised: 6, value: truncation })]),
    ],
    ['I2', 'a mark beyond the end', () => change(meta, { learnedTo: { '5.w': [2, 10] } })],
    ['I3', 'a promise that falls', () => change(meta, { promised: 4 })],
    ['I3', 'the same number promised to another', () => change(meta, { promisedBy: 'other' })],
    ['I3', 'a value above the promise of its slot', () => change(meta, {}, [undefined, slot({ promised: 4 })])],
    ['I3', 'the promise of a slot falls', () => change(meta, {}, [slot({ promised: 8 }), slot({ promised: 7 })])],
    ['I6', 'begin falls', () => change(meta, { begin: 1, floor: 1 })],
    ['I6', 'begin passes end', () => change(meta, { begin: 10 })],
    ['I6', 'floor passes begin', () => change(meta, { floor: 3 })],
    ['I6', 'end falls', () => change(meta, { end: 8 })],
    ['I7', 'an empty replica votes', () => change({ ...meta, status: 'EMPTY' }, { status: 'VOTING' })],
    ['I7', 'a recovery takes over from a restore', () => change(held, { restoreId: undefined })],
    [
      'I10',
      'a recovering replica accepts a slot',
      () => change({ ...meta, status: 'RECOVERING' }, {}, [undefined, slot()]),
    ],
    [
      'I10',
      'a recovering replica lengthens its run',
      () => change({ ...meta, status: 'RECOVERING' }, { accepted: { ballot: '5.w', from: 9, to: 9 } }),
    ],
    [
      'I10',
      'a starting replica is locked',
      () => change({ ...meta, status: 'STARTING' }, { lock: { lockId: 'l', at: 1 } }),
    ],
    ['I11', 'the turn of the lock falls', () => change(meta, { lockTurn: 2 })],
    ['I11', 'an older configuration', () => change(meta, { configuration: 1 })],
    ['I12', 'a slot below the floor', () => change(meta, {}, [undefined, slot({ position: 1 })])],
    [
      'I12',
      'slots that overlap',
      () =>
        change(
          meta,
          { end: 12 },
          [undefined, slot({ value: { ...nop, count: 2 } })],
          [undefined, slot({ position: 10 })],
        ),
    ],
    ['I7', 'a replica that votes at once', () => createMeta(place, { ...meta, epoch: 1 })],
  ])('%s: %s', (invariant, _, bug) => {
    expect(bug).toThrow(expect.objectContaining({ name: 'InvariantViolationError', invariant }));
  });

  test('and one that keeps them all is not', () => {
    expect(change(meta, { promised: 6, end: 10 }, [slot(), slot({ promised: 6, promisedBy: 'x' })])).toHaveLength(2);
    expect(() => change(held, { status: 'VOTING', restoreId: undefined })).not.toThrow();
    expect(() =>
      change(meta, { incarnation: 'b', status: 'EMPTY', promised: 0, begin: 0, floor: 0, end: 0 }),
    ).not.toThrow();
  });
});

describe('so is a half of an append', () => {
  const request: AcceptRequest = { number: 5, by: 'w', view: 'v', position: 9, last: 9, learnedTo: [7, 8] };

  test.each<[string, string, Partial<AcceptRequest>]>([
    ['I2', 'a mark that covers the slot itself', { learnedTo: [7, 9] }],
    ['I2', 'a mark that ends before it begins', { learnedTo: [8, 7] }],
    ['I12', 'a slot that ends before it begins', { last: 8 }],
    ['I12', 'a slot of 65 positions', { last: 73 }],
  ])('%s: %s', (invariant, _, bug) => {
    const send = () => acceptSlot(place, { ...request, ...bug }, meta);
    expect(send).toThrow(expect.objectContaining({ name: 'InvariantViolationError', invariant }));
  });

  test('I3: a value whose ballot is not promised to the slot', () => {
    expect(() => requireStaged('1', slot({ promised: 4 }))).toThrow(expect.objectContaining({ invariant: 'I3' }));
  });

  test('I12: a value of 65 positions', () => {
    const value = { ...nop, count: 65 };
    expect(() => stageSlot(place, { number: 5, by: 'w', position: 9, value })).toThrow('violates I12');
  });
});

describe('a change of the sequencer that breaks an invariant is refused before it is sent', () => {
  const before: WriterRecord = {
    revision: 4,
    number: 5,
    writerId: 'w',
    first: 3,
    next: 9,
    settled: 6,
    regularFrom: 3,
    since: 1,
    closed: false,
    truncation: 0,
    views: ['v'],
    recent: [{ requestId: 'AAAAAAAAAAAA', count: 2 }],
  };
  /** Nothing listens there: what is not refused first cannot be sent. */
  const table = new SequencerTable({
    client: localDocuments('http://127.0.0.1:9'),
    table: 'main',
    group: 'g',
    log: 'l',
    configuration: 1,
  });
  const handed = (next: number, ...recent: WriterRecord['recent']) => ({ next, recent: [...before.recent, ...recent] });
  const one = { requestId: 'BBBBBBBBBBBB', count: 1 };

  test.each<[string, string, Partial<WriterRecord>]>([
    ['I2', 'settled passes what was handed out', { settled: 9 }],
    ['I2', 'settled falls', { settled: 5 }],
    ['I4', 'positions are handed out twice', { next: 8 }],
    ['I4', 'the first position of a ballot moves', { first: 4 }],
    ['I5', 'a lower ballot takes over', { number: 4 }],
    ['I5', 'another writer with the same number', { writerId: 'x' }],
    ['I11', 'a revision that is left out', { revision: 6 }],
    ['I12', 'a request that gets fewer positions than were taken', handed(11, one)],
    ['I12', 'a slot that is handed out in halves', handed(10, { ...one, joins: true })],
  ])('%s: %s', async (invariant, _, bug) => {
    const sent = table.replace(before, { ...before, revision: 5, ...bug });
    await expect(sent).rejects.toMatchObject({ name: 'InvariantViolationError', invariant });
  });

  test('I5: a writer that was closed appends again', async () => {
    const sent = table.replace({ ...before, closed: true }, { ...before, revision: 5 });
    await expect(sent).rejects.toMatchObject({ invariant: 'I5' });
  });
});
