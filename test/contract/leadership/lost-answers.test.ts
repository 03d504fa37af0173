import { beforeEach, describe, expect, test } from 'vitest';
import type { GrantedTerm } from '../../../leadership/contend.ts';
import { confirm, renew, resign, revoke } from '../../../leadership/leadership.ts';
import type { Fault } from '../../support/faults.ts';
import { reaches } from '../../support/marks.ts';
import { leaseMs, openRoom, problemOf, skewMs } from './room.ts';
import { changeItem } from './tamper.ts';

let it: Awaited<ReturnType<typeof openRoom>>;
beforeEach(async () => {
  it = await openRoom();
});

const group = 'orders';
const faults: Fault[] = ['answer lost', 'duplicate', 'throttle', 'request lost'];

describe.each(faults)('with the fault "%s" on the write', (fault) => {
  test('contend grants one version', async () => {
    await it.contend('other');
    it.clock.time += leaseMs + skewMs + 1;
    it.faults.once(fault, 'UpdateItemCommand');
    expect(await it.contend('a')).toMatchObject({ fencingVersion: 2 });
    expect(await it.room.store.read(group, true)).toMatchObject({ fencingVersion: 2, holder: { contenderId: 'a' } });
  });

  test('contend in a new group grants version 1 once', async () => {
    it.faults.once(fault, 'TransactWriteItemsCommand');
    expect(await it.contend('a')).toMatchObject({ fencingVersion: 1 });
    expect(await it.room.store.read(group, true)).toMatchObject({ fencingVersion: 1, holder: { contenderId: 'a' } });
  });

  test('confirm, renew, resign and revoke succeed', async () => {
    if (fault === 'answer lost' || fault === 'duplicate') reaches('resignation-tried-again', 'revocation-tried-again');
    const term = await it.contend('a');
    it.faults.once(fault, 'TransactWriteItemsCommand');
    expect(await confirm(it.room, group, term, { address: 'x' })).toMatchObject({ confirmedAt: it.clock.time });
    it.faults.once(fault, 'UpdateItemCommand');
    expect(await renew(it.room, group, term, { leaseMs })).toEqual({ expiresAt: it.clock.time + leaseMs });
    it.faults.once(fault, 'UpdateItemCommand');
    await resign(it.room, group, term, {}, 'bye');
    expect((await it.room.store.read(group, true))?.ended).toMatchObject({ reason: 'resigned' });
    const next = await it.contend('b');
    it.faults.once(fault, 'UpdateItemCommand');
    const order = { fencingVersion: next.fencingVersion, reason: 'test', force: false, dryRun: false };
    expect(await revoke(it.room, group, order, 'end')).toMatchObject({ revoked: true, contenderId: 'b' });
  });
});

test('a transaction conflict is tried again, not taken for a lost condition', async () => {
  reaches('timed-write-tried-again');
  const term = await it.contend('a');
  it.faults.once('transaction conflict', 'UpdateItemCommand');
  it.faults.once('transaction conflict', 'UpdateItemCommand');
  expect(await renew(it.room, group, term, { leaseMs })).toEqual({ expiresAt: it.clock.time + leaseMs });
});

describe.each<Fault>(['request lost', 'throttle', 'transaction conflict'])(
  'a lease that runs out while the fault "%s" keeps a write from arriving is not brought back by',
  (fault) => {
    let term: GrantedTerm;
    const outrun = (command: string) => {
      it.faults.plan = (name) => {
        if (name !== command) return undefined;
        it.faults.plan = () => undefined;
        it.clock.time += leaseMs;
        return fault;
      };
    };
    const isLost = async (step: () => Promise<unknown>) => {
      const before = await it.room.store.read(group, true);
      expect(await problemOf(step())).toMatchObject({ code: 'leadership_lost', members: { reason: 'expired' } });
      expect(await it.room.store.read(group, true)).toEqual(before);
    };
    beforeEach(async () => {
      term = await it.contend('a');
    });

    test.each([{}, { leaseMs }, { address: 'x' }])('a renewal with %j', async (renewal) => {
      outrun('UpdateItemCommand');
      await isLost(() => renew(it.room, group, term, renewal));
    });

    test('a confirmation', async () => {
      outrun('TransactWriteItemsCommand');
      await isLost(() => confirm(it.room, group, term, { address: 'x' }));
    });

    test('a renewal that repairs the leader information', async () => {
      await confirm(it.room, group, term, { address: 'x' });
      await changeItem(it.other, it.table, group, ({ holder: _, ...item }) => item);
      const repair = it.room.store.restoreHolder.bind(it.room.store);
      it.room.store.restoreHolder = (...given) => {
        it.room.store.restoreHolder = repair;
        outrun('UpdateItemCommand');
        return repair(...given);
      };
      const before = await it.room.store.read(group, true);
      expect(await problemOf(renew(it.room, group, term, { address: 'x' }))).toMatchObject({ code: 'leadership_lost' });
      expect(await it.room.store.read(group, true)).toEqual(before);
    });
  },
);

test('a store that stays throttled is reported as such after three tries and leaves the term as it was', async () => {
  const term = await it.contend('a');
  const before = await it.room.store.read(group, true);
  let tries = 0;
  it.faults.plan = (command) => {
    if (command !== 'UpdateItemCommand') return undefined;
    tries += 1;
    return 'throttle';
  };
  await expect(renew(it.room, group, term, { leaseMs: 60_000 })).rejects.toMatchObject({ name: 'ThrottlingException' });
  expect(tries).toBe(3);
  expect(await it.room.store.read(group, true)).toEqual(before);
});

test('the caller may repeat a contend whose answer never reached it', async () => {
  const first = await it.contend('a', 'same request');
  it.clock.time += 100;
  expect(await it.contend('a', 'same request')).toEqual({ ...first, remainingMs: first.remainingMs - 100 });
});
