/** Promises and writes. */
import { expect, it } from 'vitest';
import {
  actionAt,
  ballot,
  data,
  type Make,
  promise,
  view,
  voting,
  write,
} from '../../../support/log/replica-requests.ts';

export function promisesContract(make: Make): void {
  it('promises rising numbers only; an equal number of another owner is refused', async () => {
    const replica = await voting(make);
    expect(await replica.promise(promise(5, 'one'))).toMatchObject({ verdict: 'ACCEPT', begin: 0, end: 0 });
    expect(await replica.promise(promise(4))).toEqual({ verdict: 'REJECT', promised: 5 });
    expect(await replica.promise(promise(5, 'other'))).toEqual({ verdict: 'REJECT', promised: 5 });
    expect(await replica.promise(promise(5, 'one'))).toMatchObject({ verdict: 'ACCEPT' });
    expect(await replica.promise(promise(6))).toMatchObject({ verdict: 'ACCEPT' });
  });

  it('takes part only in its own view', async () => {
    const replica = await voting(make);
    const old = { view: 'view-1' };
    expect(await replica.promise({ ...promise(1), ...old })).toEqual({ verdict: 'STALE_VIEW' });
    expect(await replica.promiseAt({ ...ballot(1), ...old, position: 0 })).toEqual({ verdict: 'STALE_VIEW' });
    expect(await replica.write({ ...write(1, 0), ...old })).toEqual({ verdict: 'STALE_VIEW' });
    expect(await replica.replaceView('view-3')).toMatchObject({ changed: true, meta: { view: 'view-3' } });
    expect(await replica.write(write(1, 0))).toEqual({ verdict: 'STALE_VIEW' });
  });

  it('stores a write at or above its promise, and refuses one below', async () => {
    const replica = await voting(make);
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
    const replica = await voting(make);
    await replica.write(write(3, 1, data('three')));
    expect(await replica.write(write(7, 1, data('seven')))).toEqual({ verdict: 'ACCEPT' });
    expect(await replica.write(write(5, 1, data('five')))).toEqual({ verdict: 'REJECT', promised: 7 });
    expect(await actionAt(replica, 1)).toMatchObject({ performed: 7, value: data('seven') });
  });

  it('refuses another value or another owner under the same number, and takes the same write again', async () => {
    const replica = await voting(make);
    await replica.write(write(3, 1, data('one')));
    expect(await replica.write(write(3, 1, data('one')))).toEqual({ verdict: 'ACCEPT' });
    expect(await replica.write(write(3, 1, data('other')))).toEqual({ verdict: 'REJECT', promised: 3 });
    const stranger = { ...write(3, 1, data('one')), by: 'stranger' };
    expect(await replica.write(stranger)).toEqual({ verdict: 'REJECT', promised: 3 });
  });

  it('answers an explicit promise with the action as it was before', async () => {
    const replica = await voting(make);
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
}
