/** Learning, and truncations. */
import { expect, it } from 'vitest';
import type { Value } from '../../../../log/protocol/replica.ts';
import {
  actionAt,
  ballot,
  data,
  fresh,
  learned,
  type Make,
  promise,
  view,
  voting,
  write,
} from '../../../support/log/replica-requests.ts';

export function learningContract(make: Make): void {
  it('answers what is learned instead of storing anything else', async () => {
    const replica = await voting(make);
    expect(await replica.learn([learned(1, data('chosen'))])).toEqual({ verdict: 'ACCEPT', begin: 0, end: 1 });
    const settled = { position: 1, learned: true, value: data('chosen') };
    expect(await replica.write(write(9, 1, data('late')))).toMatchObject({ verdict: 'LEARNED', action: settled });
    const promised = await replica.promiseAt({ ...ballot(9), view, position: 1 });
    expect(promised).toMatchObject({ verdict: 'ACCEPT', action: settled });
    expect(await actionAt(replica, 1)).toMatchObject(settled);
  });

  it('learns by mark what was performed under the ballot of a later write', async () => {
    const replica = await voting(make);
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
    const replica = await voting(make);
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
    const replica = await voting(make);
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
    const replica = await voting(make);
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
    const { changed, meta } = await replica.transition(recovering, { status: 'VOTING' });
    expect([changed, meta]).toMatchObject([true, { status: 'VOTING', promised: 8, promisedBy: 'rival', end: 6 }]);
    expect(await replica.promise(promise(8))).toEqual({ verdict: 'REJECT', promised: 8 });
  });
}
