/** Staged values, and their acceptance. */
import { expect, it } from 'vitest';
import type { Value } from '../../../../log/protocol/replica.ts';
import {
  actionAt,
  ballot,
  data,
  learned,
  type Make,
  promise,
  slot,
  view,
  voting,
  write,
} from '../../../support/log/replica-requests.ts';

export function stagingContract(make: Make): void {
  const staged = (number: number, position: number, value: Value) => ({ ...ballot(number), position, value });
  const accepting = (number: number, position: number, last: number, more: object = {}) => {
    return { ...ballot(number), view, position, last, ...more };
  };

  it('shows a staged value to later promises, and takes it for accepted once the record says so', async () => {
    const replica = await voting(make);
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
    const replica = await voting(make);
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
    const replica = await voting(make);
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
    const replica = await voting(make);
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
}
