/** Locks. */
import { expect, it } from 'vitest';
import { data, learned, type Make, view, voting, write } from '../../../support/log/replica-requests.ts';

export function lockingContract(make: Make): void {
  it('holds appends but not fills while it is locked, and locks once for each turn', async () => {
    const replica = await voting(make);
    await replica.write(write(1, 1));
    const { lockTurn } = await replica.read();
    const lock = { lockId: 'cut', at: 1_000, view, turn: lockTurn };
    expect(await replica.lock(lock)).toMatchObject({ changed: true, meta: { end: 1, lock: { lockId: 'cut' } } });
    expect(await replica.lock(lock)).toMatchObject({ changed: true });
    expect((await replica.lock({ ...lock, lockId: 'other' })).changed).toBe(false);
    expect(await replica.write(write(1, 2))).toEqual({ verdict: 'LOCKED', lock: { lockId: 'cut', at: 1_000 } });
    expect(await replica.write({ ...write(1, 3), fill: true })).toEqual({ verdict: 'ACCEPT' });
    expect(await replica.learn([learned(4, data('x'))])).toMatchObject({ verdict: 'ACCEPT' });
    expect((await replica.unlock('other')).changed).toBe(false);
    expect((await replica.unlock('cut')).changed).toBe(true);
    expect((await replica.lock(lock)).changed).toBe(false);
    expect(await replica.write(write(1, 5))).toEqual({ verdict: 'ACCEPT' });
  });

  it('is not locked by a request that comes after its own unlock, but by the next one', async () => {
    const replica = await voting(make);
    const { lockTurn: turn } = await replica.read();
    const late = { lockId: 'cut', at: 1_000, view, turn };
    await replica.unlock('cut');
    expect((await replica.lock(late)).changed).toBe(false);
    expect(await replica.write(write(1, 1))).toEqual({ verdict: 'ACCEPT' });
    const next = { ...late, lockId: 'next', turn: (await replica.read()).lockTurn };
    expect((await replica.lock(next)).changed).toBe(true);
  });
}
