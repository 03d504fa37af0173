/** The lives of a replica: its statuses, and restores that hold it. */
import { expect, it } from 'vitest';
import {
  ballot,
  data,
  fresh,
  learned,
  type Make,
  promise,
  view,
  write,
} from '../../../support/log/replica-requests.ts';

export function lifeContract(make: Make): void {
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
    expect((await replica.transition(empty, { status: 'VOTING' })).changed).toBe(false);
    const stranger = { incarnation: 'another', status: 'EMPTY' as const };
    expect((await replica.transition(stranger, { status: 'STARTING' })).changed).toBe(false);
    expect(await replica.transition(empty, { status: 'STARTING' })).toMatchObject({
      changed: true,
      meta: { status: 'STARTING' },
    });
    expect(await replica.transition(empty, { status: 'RECOVERING' })).toMatchObject({
      changed: false,
      meta: { status: 'STARTING' },
    });
  });

  it('lets nobody but the restore itself move a replica that is being restored', async () => {
    const replica = await make();
    const empty = await replica.create(fresh);
    await replica.transition(empty, { status: 'RECOVERING', restoreId: 'restore' });
    const held = { incarnation: fresh.incarnation, status: 'RECOVERING' as const };
    expect((await replica.transition(held, { status: 'VOTING' })).changed).toBe(false);
    const released = await replica.transition(held, { status: 'VOTING', view, restoreId: 'restore' });
    expect(released.changed).toBe(true);
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
    expect((await replica.empty({ ...next, restoreId: 'other' })).changed).toBe(false);
    const { changed, meta } = await replica.empty(next);
    expect(changed).toBe(true);
    expect(meta).toMatchObject({ status: 'EMPTY', incarnation: 'life-2', promised: 0, begin: 0, end: 0 });
    expect(meta).not.toHaveProperty('restoreId');
    expect((await replica.empty(next)).changed).toBe(false);
    expect((await replica.range(0, 10)).actions).toEqual([]);
    expect((await replica.transition(meta, { status: 'STARTING' })).changed).toBe(true);
  });
}
