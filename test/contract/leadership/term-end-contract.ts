import { beforeEach, describe, expect, test } from 'vitest';
import type { LeaseStore } from '../../../leadership/lease-store.ts';
import {
  fenceOf,
  grantOf,
  group,
  leaseMs,
  type StoreUnderTest,
  skewMs,
  start,
  storeUnderTest,
} from './store-under-test.ts';

/** Resigns without staying out. */
const willing = { stayOut: false };

/** How a term ends, and who may follow it: a part of the contract of the lease port. */
export function termEndContract(make: () => Promise<StoreUnderTest>) {
  const under = storeUnderTest(make);
  const { created, stored } = under;
  let store: LeaseStore;
  beforeEach(() => {
    store = under.store;
  });

  describe('a bar', () => {
    const again = (contenderId: string, more = {}) => grantOf(contenderId, { requestId: 'another', ...more });
    const kindOf = async (grant: ReturnType<typeof grantOf>, now: number) =>
      (await store.grant(group, grant, now, skewMs)).kind;

    test('keeps the process that resigned from the lease for one lease time, and nobody else', async () => {
      await created();
      const { won } = await store.resign(group, fenceOf('a', 1), { stayOut: true }, 'bye', start);
      expect(won).toMatchObject({ barredInstance: 'instance-of-a', barredUntil: start + leaseMs });
      expect(await kindOf(again('a'), start + leaseMs)).toBe('lost');
      expect(await kindOf(again('a', { instanceId: 'instance-2-of-a' }), start + 1)).toBe('won');
      const { won: next } = await store.resign(group, fenceOf('a', 2), { stayOut: true }, 'bye', start + 2);
      expect(next).toMatchObject({ barredInstance: 'instance-2-of-a' });
      const { won: granted } = await store.grant(group, again('b'), start + 3, skewMs);
      expect(granted?.barredInstance ?? granted?.barredUntil).toBeUndefined();
    });

    test('ends: who is alone leads again', async () => {
      await created();
      await store.resign(group, fenceOf('a', 1), { stayOut: true }, 'bye', start);
      expect(await kindOf(again('a'), start + leaseMs + 1)).toBe('won');
    });

    test('is not put up for who says so', async () => {
      await created();
      const { won } = await store.resign(group, fenceOf('a', 1), { stayOut: false }, 'bye', start);
      expect(won?.barredInstance).toBeUndefined();
      expect(await kindOf(again('a'), start)).toBe('won');
    });

    test.each([
      [false, start + leaseMs + skewMs + 1, start + 2 * leaseMs],
      [true, start + 1, start + 1 + leaseMs],
    ])('begins for a revoked process when others can take the lease (force: %s)', async (force, free, until) => {
      await created();
      const order = { fencingVersion: 1, reason: 'stuck', force };
      const { won } = await store.revoke(group, order, 'r', start + 1);
      expect(won).toMatchObject({ barredInstance: 'instance-of-a', barredUntil: until });
      expect(await kindOf(again('a'), free)).toBe('lost');
      expect(await kindOf(again('a'), until)).toBe('lost');
      expect(await kindOf(again('b'), free)).toBe('won');
    });
  });

  describe('a request for a hand-over', () => {
    test('stands on the record until the term ends, and changes nothing else', async () => {
      const record = await created();
      const { won } = await store.askHandOver(group, 1, 'b');
      expect(won).toEqual({ ...record, handOverTo: 'b' });
      expect((await store.renew(group, fenceOf('a', 1), {}, start + 1)).won).toMatchObject({ handOverTo: 'b' });
      expect((await store.askHandOver(group, 1, undefined)).won).toMatchObject({ handOverTo: '' });
      await store.resign(group, fenceOf('a', 1), { successor: 'b', stayOut: true }, 'bye', start);
      expect((await stored()).handOverTo).toBeUndefined();
    });

    test('loses for another version and when nobody holds the lease', async () => {
      const record = await created();
      expect(await store.askHandOver(group, 2, 'b')).toEqual({ kind: 'lost', lost: record });
      const { won } = await store.resign(group, fenceOf('a', 1), willing, 'bye', start);
      expect(await store.askHandOver(group, 1, 'b')).toEqual({ kind: 'lost', lost: won });
    });
  });

  describe('resign and revoke', () => {
    test('resigning frees the lease and keeps the version and the request', async () => {
      await created();
      const { won } = await store.resign(group, fenceOf('a', 1), willing, 'bye', start + 5);
      expect(won).toMatchObject({ fencingVersion: 1, ended: { reason: 'resigned', at: start + 5, requestId: 'bye' } });
      expect(won?.holder ?? won?.expiresAt ?? won?.reservedFor).toBeUndefined();
      expect(await store.resign(group, fenceOf('a', 1), willing, 'bye', start + 6)).toEqual({
        kind: 'lost',
        lost: won,
      });
      expect((await store.grant(group, grantOf('b'), start + 5, skewMs)).won).toMatchObject({ fencingVersion: 2 });
    });

    test('resigning needs the session and the version, not a lease that is alive', async () => {
      const record = await created();
      expect(await store.resign(group, fenceOf('b', 1), willing, 'bye', start)).toEqual({
        kind: 'lost',
        lost: record,
      });
      expect(await store.resign(group, fenceOf('a', 2), willing, 'bye', start)).toEqual({
        kind: 'lost',
        lost: record,
      });
      expect((await store.resign(group, fenceOf('a', 1), willing, 'bye', start + leaseMs * 9)).won).toBeDefined();
    });

    test('a revoked lease can be taken at its old expiry, and at once when forced', async () => {
      await created();
      const order = { fencingVersion: 1, reason: 'stuck', force: false };
      const { won } = await store.revoke(group, order, 'r', start + 1);
      expect(won).toMatchObject({ expiresAt: start + leaseMs, revokedContender: 'a' });
      expect(won?.ended).toEqual({ reason: 'revoked', detail: 'stuck', at: start + 1, requestId: 'r' });
      expect(won?.holder).toBeUndefined();
      expect(await store.revoke(group, order, 's', start + 2)).toEqual({ kind: 'lost', lost: won });
      const free = start + leaseMs + skewMs;
      expect((await store.grant(group, grantOf('b'), free, skewMs)).lost).toEqual(won);
      const next = await store.grant(group, grantOf('b'), free + 1, skewMs);
      expect(next.won).toMatchObject({ fencingVersion: 2, previous: { reason: 'revoked' } });
      expect(next.won?.ended ?? next.won?.revokedContender).toBeUndefined();
      expect((await store.revoke(group, { ...order, force: true }, 'r', free)).lost).toEqual(next.won);
      await store.revoke(group, { ...order, fencingVersion: 2, force: true }, 'r', free);
      expect((await store.grant(group, grantOf('c'), free, skewMs)).won).toMatchObject({ fencingVersion: 3 });
    });
  });
}
