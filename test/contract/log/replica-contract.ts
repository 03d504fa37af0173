/** The contract of a replica: the acceptor's rules, one by one. Run against memory and against a table. */
import { expect, it } from 'vitest';
import {
  type Action,
  dataBytes,
  type LearnedAction,
  type Meta,
  type Replica,
  rangeBytes,
  sameValue,
  type Value,
} from '../../../functions/log/protocol/replica.ts';

export const fresh = { incarnation: 'life-1', view: 'view-1' };
const view = 'view-2';

export const data = (text: string): Value => ({
  type: 'APPEND',
  requests: [{ requestId: 'request', count: 1 }],
  entries: [new TextEncoder().encode(text)],
});
export const ballot = (number: number, by = `owner-${number}`) => ({ number, by });
/** A slot of so many entries. */
export const slot = (text: string, count: number): Value => ({
  type: 'APPEND',
  requests: [{ requestId: text, count }],
  entries: Array.from({ length: count }, (_, at) => new TextEncoder().encode(`${text}/${at}`)),
});
export const at = (position: number, value: Value = data(`${position}`)) => ({ position, value });
export const learned = (position: number, value: Value): LearnedAction => ({
  position,
  promised: 1,
  promisedBy: 'x',
  performed: 1,
  performedBy: 'x',
  learned: true,
  value,
});

/** Brings an untouched replica to vote, in view-2. */
export async function vote(replica: Replica): Promise<Meta> {
  const empty = await replica.create(fresh);
  await replica.transition(empty, { status: 'STARTING' });
  const starting = { incarnation: fresh.incarnation, status: 'STARTING' as const };
  return (await replica.transition(starting, { status: 'VOTING', view })).meta;
}

const promise = (number: number, by?: string) => ({ ...ballot(number, by), view, forget: [] as string[] });
const write = (number: number, position: number, value?: Value) => ({
  ...ballot(number),
  view,
  ...at(position, value),
});

export function replicaContract(make: () => Promise<Replica>): void {
  const voting = async () => {
    const replica = await make();
    await vote(replica);
    return replica;
  };
  const actionAt = async (replica: Replica, position: number) => (await replica.range(position, position)).actions[0];

  it('is EMPTY while there is no record, and stores nothing before it votes', async () => {
    const replica = await make();
    expect(await replica.read()).toMatchObject({ status: 'EMPTY', incarnation: '' });
    const ignored = { verdict: 'IGNORED', status: 'EMPTY' };
    expect(await replica.promise(promise(1))).toEqual(ignored);
    expect(await replica.promiseAt({ ...ballot(1), view, position: 0 })).toEqual(ignored);
    expect(await replica.write(write(1, 0))).toEqual(ignored);
    expect(await replica.learn([learned(0, data('x'))])).toEqual(ignored);
    expect((await replica.range(0, 10)).actions).toEqual([]);
  });

  it('keeps the life that a first creation gave it', async () => {
    const replica = await make();
    expect(await replica.create(fresh)).toMatchObject({ status: 'EMPTY', ...fresh });
    expect(await replica.create({ incarnation: 'life-2', view: 'other' })).toMatchObject(fresh);
  });

  it('moves only from the life and the status that the mover read, by allowed steps', async () => {
    const replica = await make();
    const empty = await replica.create(fresh);
    expect((await replica.transition(empty, { status: 'VOTING' })).moved).toBe(false);
    const stranger = { incarnation: 'another', status: 'EMPTY' as const };
    expect((await replica.transition(stranger, { status: 'STARTING' })).moved).toBe(false);
    expect(await replica.transition(empty, { status: 'STARTING' })).toMatchObject({
      moved: true,
      meta: { status: 'STARTING' },
    });
    expect(await replica.transition(empty, { status: 'RECOVERING' })).toMatchObject({
      moved: false,
      meta: { status: 'STARTING' },
    });
  });

  it('promises rising numbers only; an equal number of another owner is refused', async () => {
    const replica = await voting();
    expect(await replica.promise(promise(5, 'one'))).toMatchObject({ verdict: 'ACCEPT', begin: 0, end: 0 });
    expect(await replica.promise(promise(4))).toEqual({ verdict: 'REJECT', promised: 5 });
    expect(await replica.promise(promise(5, 'other'))).toEqual({ verdict: 'REJECT', promised: 5 });
    expect(await replica.promise(promise(5, 'one'))).toMatchObject({ verdict: 'ACCEPT' });
    expect(await replica.promise(promise(6))).toMatchObject({ verdict: 'ACCEPT' });
  });

  it('takes part only in its own view', async () => {
    const replica = await voting();
    const old = { view: 'view-1' };
    expect(await replica.promise({ ...promise(1), ...old })).toEqual({ verdict: 'STALE_VIEW' });
    expect(await replica.promiseAt({ ...ballot(1), ...old, position: 0 })).toEqual({ verdict: 'STALE_VIEW' });
    expect(await replica.write({ ...write(1, 0), ...old })).toEqual({ verdict: 'STALE_VIEW' });
    expect(await replica.replaceView('view-3')).toMatchObject({ moved: true, meta: { view: 'view-3' } });
    expect(await replica.write(write(1, 0))).toEqual({ verdict: 'STALE_VIEW' });
  });

  it('stores a write at or above its promise, and refuses one below', async () => {
    const replica = await voting();
    await replica.promise(promise(5));
    expect(await replica.write(write(4, 1))).toEqual({ verdict: 'REJECT', promised: 5 });
    expect(await actionAt(replica, 1)).toBeUndefined();
    expect(await replica.write(write(5, 1))).toEqual({ verdict: 'ACCEPT' });
    expect(await actionAt(replica, 1)).toEqual({
      position: 1,
      promised: 5,
      promisedBy: 'owner-5',
      performed: 5,
      performedBy: 'owner-5',
      value: data('1'),
    });
    expect(await replica.write(write(6, 2))).toEqual({ verdict: 'ACCEPT' });
    expect(await replica.read()).toMatchObject({ promised: 5, end: 2 });
  });

  it('raises the promise of a position with each accepted write', async () => {
    const replica = await voting();
    await replica.write(write(3, 1, data('three')));
    expect(await replica.write(write(7, 1, data('seven')))).toEqual({ verdict: 'ACCEPT' });
    expect(await replica.write(write(5, 1, data('five')))).toEqual({ verdict: 'REJECT', promised: 7 });
    expect(await actionAt(replica, 1)).toMatchObject({ performed: 7, value: data('seven') });
  });

  it('refuses another value or another owner under the same number, and takes the same write again', async () => {
    const replica = await voting();
    await replica.write(write(3, 1, data('one')));
    expect(await replica.write(write(3, 1, data('one')))).toEqual({ verdict: 'ACCEPT' });
    expect(await replica.write(write(3, 1, data('other')))).toEqual({ verdict: 'REJECT', promised: 3 });
    const stranger = { ...write(3, 1, data('one')), by: 'stranger' };
    expect(await replica.write(stranger)).toEqual({ verdict: 'REJECT', promised: 3 });
  });

  it('answers an explicit promise with the action as it was before', async () => {
    const replica = await voting();
    await replica.promise(promise(5));
    expect(await replica.promiseAt({ ...ballot(5), view, position: 4 })).toEqual({ verdict: 'REJECT', promised: 5 });
    const accepted = await replica.promiseAt({ ...ballot(6), view, position: 4 });
    expect(accepted).toEqual({ verdict: 'ACCEPT', action: undefined });
    expect(await replica.read()).toMatchObject({ promised: 5, end: 4 });
    expect(await replica.write(write(5, 4))).toEqual({ verdict: 'REJECT', promised: 6 });
    await replica.write(write(6, 4, data('six')));
    const previous = { verdict: 'ACCEPT', action: { performed: 6, promised: 6, value: data('six') } };
    expect(await replica.promiseAt({ ...ballot(8), view, position: 4 })).toMatchObject(previous);
    expect(await replica.promiseAt({ ...ballot(7), view, position: 4 })).toEqual({ verdict: 'REJECT', promised: 8 });
    expect(await replica.write(write(7, 4))).toEqual({ verdict: 'REJECT', promised: 8 });
    const raised = { promised: 8, performed: 6, value: data('six') };
    expect(await actionAt(replica, 4)).toMatchObject(raised);
  });

  const staged = (number: number, position: number, value: Value) => ({ ...ballot(number), position, value });
  const accepting = (number: number, position: number, last: number, more: object = {}) => {
    return { ...ballot(number), view, position, last, ...more };
  };

  it('shows a staged value to later promises, and takes it for accepted once the record says so', async () => {
    const replica = await voting();
    const value = slot('a', 3);
    expect(await replica.stage(staged(5, 1, value))).toEqual({ staged: true });
    expect(await replica.read()).toMatchObject({ end: 0 });
    expect(await actionAt(replica, 1)).toMatchObject({ performed: 5, staged: true, value });
    expect(await replica.accept(accepting(5, 1, 3))).toEqual({ verdict: 'ACCEPT' });
    expect(await replica.read()).toMatchObject({ end: 3, accepted: { from: 1, to: 3 } });
    expect(await actionAt(replica, 1)).not.toHaveProperty('staged');
    expect(await replica.accept(accepting(5, 1, 3))).toEqual({ verdict: 'ACCEPT' });
    const previous = { verdict: 'ACCEPT', action: { performed: 5, value } };
    expect(await replica.promiseAt({ ...ballot(6), view, position: 1 })).toMatchObject(previous);
  });

  it('keeps the newest run of accepted slots, whichever comes first', async () => {
    const replica = await voting();
    for (const position of [1, 2, 3, 4, 6, 8]) await replica.stage(staged(5, position, data(`${position}`)));
    for (const position of [2, 1, 3]) await replica.accept(accepting(5, position, position));
    expect((await replica.read()).accepted).toMatchObject({ from: 1, to: 3 });
    await replica.accept(accepting(5, 6, 6, { learnedTo: [1, 2] }));
    await replica.accept(accepting(5, 4, 4, { learnedTo: [1, 2] }));
    expect(await replica.read()).toMatchObject({ end: 6, accepted: { from: 6, to: 6 } });
    const { actions } = await replica.range(1, 9);
    const said = actions.map(({ position, learned: is, staged: only }) => `${position}${is ? 'L' : only ? 'S' : 'A'}`);
    expect(said).toEqual(['1L', '2L', '3S', '4S', '6A', '8S']);
  });

  it('accepts nothing that it has promised away, and nothing below its floor, in an old view, or while locked', async () => {
    const replica = await voting();
    await replica.stage(staged(5, 1, data('one')));
    await replica.promise(promise(6));
    expect(await replica.accept(accepting(5, 1, 1))).toEqual({ verdict: 'REJECT', promised: 6 });
    expect(await replica.accept({ ...accepting(7, 1, 1), view: 'view-1' })).toEqual({ verdict: 'STALE_VIEW' });
    expect(await replica.write(write(5, 1, data('one')))).toEqual({ verdict: 'REJECT', promised: 6 });
    expect(await replica.promiseAt({ ...ballot(5, 'other'), view, position: 1 })).toMatchObject({ verdict: 'REJECT' });
    const { lockTurn } = await replica.read();
    await replica.lock({ lockId: 'cut', at: 1, view, turn: lockTurn });
    expect(await replica.accept(accepting(7, 1, 1))).toMatchObject({ verdict: 'LOCKED' });
    await replica.unlock('cut');
    await replica.learn([learned(9, { type: 'TRUNCATE', to: 5, floor: 4, requestId: 't' })]);
    expect(await replica.accept(accepting(7, 1, 1))).toMatchObject({ verdict: 'LEARNED', action: { position: 3 } });
    expect(await replica.accept(accepting(7, 4, 4))).toEqual({ verdict: 'ACCEPT' });
  });

  it('stages nothing above what was promised, accepted or learned for the slot', async () => {
    const replica = await voting();
    await replica.stage(staged(5, 1, data('five')));
    expect(await replica.stage(staged(5, 1, data('five')))).toEqual({ staged: true });
    expect(await replica.stage(staged(4, 1, data('four')))).toEqual({ staged: false });
    expect(await replica.stage(staged(6, 1, data('six')))).toEqual({ staged: true });
    await replica.promiseAt({ ...ballot(8), view, position: 1 });
    expect(await replica.stage(staged(7, 1, data('seven')))).toEqual({ staged: false });
    await replica.write(write(8, 1, data('eight')));
    expect(await replica.stage(staged(9, 1, data('nine')))).toEqual({ staged: false });
    await replica.learn([learned(2, data('chosen'))]);
    expect(await replica.stage(staged(9, 2, data('nine')))).toEqual({ staged: false });
    expect(await actionAt(replica, 1)).toMatchObject({ performed: 8, value: data('eight') });
  });

  it('answers the slot that holds a position, from whichever position a range begins', async () => {
    const replica = await voting();
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

  it('answers what is learned instead of storing anything else', async () => {
    const replica = await voting();
    expect(await replica.learn([learned(1, data('chosen'))])).toEqual({ verdict: 'ACCEPT', begin: 0, end: 1 });
    const settled = { position: 1, learned: true, value: data('chosen') };
    expect(await replica.write(write(9, 1, data('late')))).toMatchObject({ verdict: 'LEARNED', action: settled });
    const promised = await replica.promiseAt({ ...ballot(9), view, position: 1 });
    expect(promised).toMatchObject({ verdict: 'ACCEPT', action: settled });
    expect(await actionAt(replica, 1)).toMatchObject(settled);
  });

  it('learns by mark what was performed under the ballot of a later write', async () => {
    const replica = await voting();
    await replica.write(write(3, 1));
    await replica.write(write(4, 2));
    expect(await actionAt(replica, 2)).not.toHaveProperty('learned');
    await replica.write({ ...write(4, 3), learnedTo: [2, 2] });
    const { actions } = await replica.range(1, 3);
    expect(actions.map((action) => action.learned === true)).toEqual([false, true, false]);
    expect(await replica.promise(promise(9))).toMatchObject({ verdict: 'ACCEPT', settled: 2, end: 3 });
    await replica.promise({ ...promise(10), forget: ['4.owner-4'] });
    expect((await replica.read()).learnedTo).toEqual({});
  });

  it('leaves nothing below a truncation, however large the entries are', async () => {
    const replica = await voting();
    const large: Value = { type: 'APPEND', requests: [], entries: [Buffer.alloc(256 * 1024)] };
    await replica.learn(Array.from({ length: 9 }, (_, position) => learned(position, large)));
    await replica.learn([learned(9, { type: 'TRUNCATE', to: 9, floor: 9, requestId: 'truncation' })]);
    let all = 0;
    for (let more = true; more; ) {
      const answer = await replica.discard(500);
      all += answer.discarded;
      more = answer.more;
    }
    expect(all).toBe(9);
    expect((await replica.range(0, 99)).actions.map(({ position }) => position)).toEqual([9]);
  });

  it('makes the positions below a truncation unreadable, and deletes them in chunks', async () => {
    const replica = await voting();
    for (let position = 0; position < 7; position += 1) await replica.write(write(1, position));
    const truncation: Value = { type: 'TRUNCATE', to: 5, floor: 5, requestId: 'truncation' };
    expect(await replica.learn([learned(7, truncation)])).toEqual({ verdict: 'ACCEPT', begin: 5, end: 7 });
    const tombstone = { position: 4, learned: true, value: { type: 'NOP', tombstone: { begin: 5 } } };
    expect(await replica.write(write(2, 4))).toMatchObject({ verdict: 'LEARNED', action: tombstone });
    const below = await replica.promiseAt({ ...ballot(9), view, position: 3 });
    expect(below).toMatchObject({ verdict: 'ACCEPT', action: tombstone });
    expect(await replica.learn([learned(2, data('late'))])).toMatchObject({ begin: 5, end: 7 });
    expect(await replica.discard(3)).toEqual({ discarded: 3, more: true });
    expect(await replica.discard(3)).toEqual({ discarded: 2, more: false });
    expect(await replica.discard(3)).toEqual({ discarded: 0, more: false });
    expect((await replica.range(0, 99)).actions.map(({ position }) => position)).toEqual([5, 6, 7]);
  });

  it('jumps over a gap to a tombstone, and never back', async () => {
    const replica = await voting();
    const gone = (begin: number) => learned(begin - 1, { type: 'NOP', tombstone: { begin } });
    expect(await replica.learn([gone(100)])).toEqual({ verdict: 'ACCEPT', begin: 100, end: 100 });
    expect(await replica.learn([gone(50)])).toEqual({ verdict: 'ACCEPT', begin: 100, end: 100 });
    expect(await replica.write(write(1, 103))).toEqual({ verdict: 'ACCEPT' });
    expect(await replica.read()).toMatchObject({ begin: 100, end: 103 });
    expect((await replica.range(100, 103)).actions).toHaveLength(1);
  });

  it('learns while it recovers, but takes part in nothing', async () => {
    const replica = await make();
    const empty = await replica.create(fresh);
    await replica.transition(empty, { status: 'RECOVERING', view });
    expect(await replica.learn([learned(3, data('x'))])).toMatchObject({ verdict: 'ACCEPT', end: 3 });
    expect(await replica.write(write(1, 4))).toEqual({ verdict: 'IGNORED', status: 'RECOVERING' });
    const recovering = { incarnation: fresh.incarnation, status: 'RECOVERING' as const };
    const took = { status: 'RECOVERING' as const, promised: 8, promisedBy: 'rival', end: 6 };
    await replica.transition(recovering, took);
    const { moved, meta } = await replica.transition(recovering, { status: 'VOTING' });
    expect([moved, meta]).toMatchObject([true, { status: 'VOTING', promised: 8, promisedBy: 'rival', end: 6 }]);
    expect(await replica.promise(promise(8))).toEqual({ verdict: 'REJECT', promised: 8 });
  });

  it('holds appends but not fills while it is locked, and locks once for each turn', async () => {
    const replica = await voting();
    await replica.write(write(1, 1));
    const { lockTurn } = await replica.read();
    const lock = { lockId: 'cut', at: 1_000, view, turn: lockTurn };
    expect(await replica.lock(lock)).toMatchObject({ moved: true, meta: { end: 1, lock: { lockId: 'cut' } } });
    expect(await replica.lock(lock)).toMatchObject({ moved: true });
    expect((await replica.lock({ ...lock, lockId: 'other' })).moved).toBe(false);
    expect(await replica.write(write(1, 2))).toEqual({ verdict: 'LOCKED', lock: { lockId: 'cut', at: 1_000 } });
    expect(await replica.write({ ...write(1, 3), fill: true })).toEqual({ verdict: 'ACCEPT' });
    expect(await replica.learn([learned(4, data('x'))])).toMatchObject({ verdict: 'ACCEPT' });
    expect((await replica.unlock('other')).moved).toBe(false);
    expect((await replica.unlock('cut')).moved).toBe(true);
    expect((await replica.lock(lock)).moved).toBe(false);
    expect(await replica.write(write(1, 5))).toEqual({ verdict: 'ACCEPT' });
  });

  it('is not locked by a request that comes after its own unlock, but by the next one', async () => {
    const replica = await voting();
    const { lockTurn: turn } = await replica.read();
    const late = { lockId: 'cut', at: 1_000, view, turn };
    await replica.unlock('cut');
    expect((await replica.lock(late)).moved).toBe(false);
    expect(await replica.write(write(1, 1))).toEqual({ verdict: 'ACCEPT' });
    const next = { ...late, lockId: 'next', turn: (await replica.read()).lockTurn };
    expect((await replica.lock(next)).moved).toBe(true);
  });

  it('keeps positions above 9,999,999,999 in order', async () => {
    const replica = await voting();
    const positions = [9_999_999_998, 9_999_999_999, 10_000_000_000, 100_000_000_000, Number.MAX_SAFE_INTEGER];
    for (const position of positions.toReversed()) await replica.write(write(1, position));
    const { actions, meta } = await replica.range(9_999_999_998, Number.MAX_SAFE_INTEGER);
    expect(actions.map(({ position }) => position)).toEqual(positions);
    expect(meta.end).toBe(Number.MAX_SAFE_INTEGER);
    const two = await replica.range(9_999_999_999, 10_000_000_000);
    expect(two.actions.map(({ position }) => position)).toEqual([9_999_999_999, 10_000_000_000]);
  });

  it('ends a range early once it has much data, says where, and says nothing of what comes after', async () => {
    const replica = await voting();
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

  it('lets nobody but the restore itself move a replica that is being restored', async () => {
    const replica = await make();
    const empty = await replica.create(fresh);
    await replica.transition(empty, { status: 'RECOVERING', restoreId: 'restore' });
    const held = { incarnation: fresh.incarnation, status: 'RECOVERING' as const };
    expect((await replica.transition(held, { status: 'VOTING' })).moved).toBe(false);
    const released = await replica.transition(held, { status: 'VOTING', view, restoreId: 'restore' });
    expect(released.moved).toBe(true);
    expect(released.meta).not.toHaveProperty('restoreId');
  });

  it('begins another life for the restore that holds it, as if it had never been used', async () => {
    const replica = await make();
    const empty = await replica.create(fresh);
    await replica.transition(empty, { status: 'RECOVERING', restoreId: 'restore', promised: 7, promisedBy: 'restore' });
    await replica.learn([learned(0, data('x')), learned(1, data('y'))]);
    await replica.learn([learned(1, { type: 'NOP', tombstone: { begin: 2 } })]);
    await replica.discard(10);
    const next = { restoreId: 'restore', incarnation: 'life-2' };
    expect((await replica.empty({ ...next, restoreId: 'other' })).moved).toBe(false);
    const { moved, meta } = await replica.empty(next);
    expect(moved).toBe(true);
    expect(meta).toMatchObject({ status: 'EMPTY', incarnation: 'life-2', promised: 0, begin: 0, end: 0 });
    expect(meta).not.toHaveProperty('restoreId');
    expect((await replica.empty(next)).moved).toBe(false);
    expect((await replica.range(0, 10)).actions).toEqual([]);
    expect((await replica.transition(meta, { status: 'STARTING' })).moved).toBe(true);
  });
}
