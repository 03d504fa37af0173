import { beforeEach, describe, expect, test } from 'vitest';
import type { GroupStore } from '../../../leadership/group-table.ts';
import type { LeadershipRecord } from '../../../leadership/lease.ts';
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

/** The contract of the lease port: one function, run against each implementation. */
export function leaseStoreContract(make: () => Promise<StoreUnderTest>) {
  const under = storeUnderTest(make);
  const { created, confirmed, stored, tamper } = under;
  let store: LeaseStore & GroupStore;
  beforeEach(() => {
    store = under.store;
  });

  describe('create', () => {
    test('makes the record and its TERM, and answers what a read answers', async () => {
      expect(await store.read(group, true)).toBeUndefined();
      const record = await created(7);
      expect(record).toMatchObject({ group, fencingVersion: 7, leaseMs, expiresAt: start + leaseMs, newestTerm: 7 });
      expect(record.holder).toEqual({
        contenderId: 'a',
        instanceId: 'instance-of-a',
        sessionId: 'session-of-a',
        grantedAt: start,
      });
      expect(await stored()).toEqual(record);
      expect(await store.readTerm(group, 7)).toEqual({ ...fenceOf('a', 7), contenderId: 'a' });
      expect(await store.highestVersion(group)).toBe(7);
    });

    test('loses to an existing record, and to a TERM that outlived its record', async () => {
      const record = await created();
      expect(await store.create(group, 2, grantOf('b'), start)).toEqual({ kind: 'lost', lost: record });
      await tamper(() => undefined);
      expect(await store.create(group, 1, grantOf('b'), start)).toEqual({ kind: 'lost', lost: undefined });
      expect(await store.read(group, true)).toBeUndefined();
      expect((await store.create(group, 2, grantOf('b'), start)).won).toMatchObject({ fencingVersion: 2 });
    });

    test('makes a lost record once for each recreation that was seen before', async () => {
      await created();
      await tamper(() => undefined);
      expect(await store.lastRecreation(group)).toBe(0);
      expect((await store.create(group, 1_001, grantOf('b'), start, 0)).won).toBeDefined();
      expect(await store.lastRecreation(group)).toBe(1_001);
      await store.resign(group, fenceOf('b', 1_001), willing, 'bye', start);
      const { won } = await store.grant(group, grantOf('c'), start, skewMs);
      expect(won?.fencingVersion).toBe(1_002);
      await tamper(() => undefined);
      // Chosen before the recreation, when 2 was the highest version: 1002 leaves no TERM and has been granted since.
      expect(await store.create(group, 1_002, grantOf('d'), start, 0)).toEqual({ kind: 'lost', lost: undefined });
      expect(await store.read(group, true)).toBeUndefined();
      expect((await store.create(group, 2_001, grantOf('d'), start, 1_001)).won).toMatchObject({
        fencingVersion: 2_001,
      });
      expect(await store.lastRecreation(group)).toBe(2_001);
    });

    test('takes a record that lost its version for none', async () => {
      await created();
      await tamper(({ fencingVersion: _, ...rest }) => rest);
      expect(await store.read(group, true)).toBeUndefined();
      expect(await store.grant(group, grantOf('b'), start, skewMs)).toEqual({ kind: 'lost', lost: undefined });
      expect((await store.create(group, 1_001, grantOf('b'), start)).won).toMatchObject({ fencingVersion: 1_001 });
    });
  });

  describe('highestVersion', () => {
    test('is 0 for a new group, else the highest TERM or FLOOR of that group alone', async () => {
      expect(await store.highestVersion(group)).toBe(0);
      await created(499);
      expect(await store.highestVersion(group)).toBe(499);
      await store.writeFloor(group, 500);
      await store.writeFloor(`${group}-2`, 90_000);
      expect(await store.highestVersion(group)).toBe(500);
      expect(await store.highestVersion('order')).toBe(0);
    });
  });

  describe('grant', () => {
    test('does not make a record', async () => {
      expect(await store.grant(group, grantOf('a'), start, skewMs)).toEqual({ kind: 'lost', lost: undefined });
      expect(await store.read(group, true)).toBeUndefined();
    });

    test('waits until the expiry plus the allowance has passed, then raises the version by one', async () => {
      const first = await created();
      const free = start + leaseMs + skewMs;
      expect(await store.grant(group, grantOf('b'), free, skewMs)).toEqual({ kind: 'lost', lost: first });
      const { won } = await store.grant(group, grantOf('b'), free + 1, skewMs);
      expect(won).toMatchObject({ fencingVersion: 2, expiresAt: free + 1 + leaseMs, requestId: 'request-of-b' });
      expect(won?.holder).toEqual({
        contenderId: 'b',
        instanceId: 'instance-of-b',
        sessionId: 'session-of-b',
        grantedAt: free + 1,
      });
      expect(won?.previous).toEqual({ reason: 'expired' });
      expect(won?.previousExpiresAt).toBe(start + leaseMs);
      expect(await stored()).toEqual(won);
    });

    test('is refused to the request that was granted last', async () => {
      await created();
      const { won: resigned } = await store.resign(group, fenceOf('a', 1), willing, 'bye', start);
      expect(await store.grant(group, grantOf('a'), start + 1, skewMs)).toEqual({ kind: 'lost', lost: resigned });
      const again = await store.grant(group, grantOf('a', { requestId: 'new' }), start + 1, skewMs);
      expect(again.won).toMatchObject({ fencingVersion: 2, previous: { reason: 'resigned', at: start } });
    });

    test('is refused while a restore owns the group', async () => {
      await created();
      await store.resign(group, fenceOf('a', 1), willing, 'bye', start);
      await tamper((item) => ({ ...item, restoring: 'restore-1' }));
      expect((await store.grant(group, grantOf('b'), start, skewMs)).lost).toMatchObject({ restoring: 'restore-1' });
    });

    test('goes to the named successor alone until the reservation lapses', async () => {
      await created();
      await store.resign(group, fenceOf('a', 1), { successor: 'heir', stayOut: false }, 'bye', start);
      const lapse = start + leaseMs;
      expect((await store.grant(group, grantOf('b'), lapse, skewMs)).lost).toMatchObject({ reservedFor: 'heir' });
      const { won } = await store.grant(group, grantOf('heir'), start, skewMs);
      expect(won).not.toHaveProperty('reservedFor', 'heir');
      await store.resign(group, fenceOf('heir', 2), { successor: 'other', stayOut: false }, 'bye', start);
      expect((await store.grant(group, grantOf('b'), lapse + 1, skewMs)).won).toMatchObject({ fencingVersion: 3 });
    });
  });

  describe('confirm', () => {
    test('publishes the leader, writes the TERM and keeps the first instant', async () => {
      const first = await confirmed(await created(), start + 5);
      expect(await stored()).toEqual(first);
      expect(first.holder).toMatchObject({ address: 'host:1', metadata: { zone: 'a' }, confirmedAt: start + 5 });
      expect(await store.readTerm(group, 1)).toEqual({
        ...fenceOf('a', 1),
        contenderId: 'a',
        instanceId: 'instance-of-a',
        address: 'host:1',
        metadata: { zone: 'a' },
        grantedAt: start,
        confirmedAt: start + 5,
        leaseMs,
      });
      const { won } = await store.confirm(first, fenceOf('a', 1), { address: 'host:2' }, start + 9);
      expect(won?.holder).toMatchObject({ address: 'host:2', confirmedAt: start + 5 });
    });

    test('writes how the confirmed term before ended, past unconfirmed ones in between', async () => {
      await confirmed(await created());
      const resignation = { ...willing, reason: 'its work was done' };
      await store.resign(group, fenceOf('a', 1), resignation, 'bye', start + 10);
      await store.grant(group, grantOf('b'), start + 20, skewMs);
      const later = start + 20 + leaseMs + skewMs + 1;
      const { won } = await store.grant(group, grantOf('c'), later, skewMs);
      const third = await confirmed(won as LeadershipRecord, later);
      const ending = { endedAt: start + 10, endReason: 'resigned', endDetail: 'its work was done' };
      expect(await store.readTerm(group, 1)).toMatchObject(ending);
      expect(await store.readTerm(group, 2)).toBeUndefined();
      expect(await stored()).not.toHaveProperty('previous');
      expect(third).toMatchObject({ fencingVersion: 3, newestTerm: 3 });
    });

    test('keeps the words of the revocation that ended the term before', async () => {
      await confirmed(await created());
      await store.revoke(group, { fencingVersion: 1, reason: 'host is drained', force: true }, 'r', start + 10);
      const { won } = await store.grant(group, grantOf('b'), start + 20, skewMs);
      await confirmed(won as LeadershipRecord, start + 30);
      expect(await store.readTerm(group, 1)).toMatchObject({ endReason: 'revoked', endDetail: 'host is drained' });
      expect(await store.readTerm(group, 2)).not.toHaveProperty('endDetail');
    });

    test.each([
      ['another session', { fencingVersion: 1, sessionId: 'another' }, start],
      ['another version', fenceOf('a', 2), start],
      ['an expired lease', fenceOf('a', 1), start + leaseMs],
    ])('loses with %s, writes nothing and hands back the record', async (_, fence, now) => {
      const record = await created();
      expect(await store.confirm(record, fence, { address: 'host:1' }, now)).toEqual({ kind: 'lost', lost: record });
      expect(await stored()).toEqual(record);
      expect((await store.readTerm(group, 1))?.confirmedAt).toBeUndefined();
    });

    test('loses when the newest TERM is another than the one seen', async () => {
      const seen = await created();
      await tamper((item) => ({ ...item, newestTerm: 5 }));
      const { lost } = await store.confirm(seen, fenceOf('a', 1), { address: 'host:1' }, start);
      expect(lost).toMatchObject({ newestTerm: 5 });
    });
  });

  describe('renew', () => {
    test.each([{ leaseMs }, {}])('with %j extends from now and never shortens', async (renewal) => {
      await created();
      const { won } = await store.renew(group, fenceOf('a', 1), renewal, start + 4_000);
      expect(won).toMatchObject({ expiresAt: start + 4_000 + leaseMs, fencingVersion: 1 });
      expect(await store.renew(group, fenceOf('a', 1), renewal, start + 3_999)).toEqual({ kind: 'lost', lost: won });
      expect((await store.renew(group, fenceOf('a', 1), renewal, start + 4_000)).won).toEqual(won);
    });

    test.each([{ leaseMs }, {}])(
      'with %j by a server whose clock is behind does not shorten a grant',
      async (renewal) => {
        const record = await created();
        expect(await store.renew(group, fenceOf('a', 1), renewal, start - 1)).toEqual({ kind: 'lost', lost: record });
        await store.resign(group, fenceOf('a', 1), willing, 'bye', start);
        const { won } = await store.grant(group, grantOf('b'), start, skewMs);
        expect(await store.renew(group, fenceOf('b', 2), renewal, start - 1)).toEqual({ kind: 'lost', lost: won });
      },
    );

    test('takes another length, an address and metadata, and confirms nothing', async () => {
      await created();
      const renewal = { leaseMs: 20_000, address: 'host:9', metadata: { zone: 'b' } };
      const { won } = await store.renew(group, fenceOf('a', 1), renewal, start + 1);
      expect(won).toMatchObject({ leaseMs: 20_000, expiresAt: start + 20_001 });
      expect(won?.holder).toMatchObject({ address: 'host:9', metadata: { zone: 'b' } });
      expect(won?.holder?.confirmedAt).toBeUndefined();
      const after = await store.renew(group, fenceOf('a', 1), {}, start + 2);
      expect(after.won).toMatchObject({ expiresAt: start + 20_002, holder: { address: 'host:9' } });
    });

    test('loses with another fence and at the expiry', async () => {
      const record = await created();
      expect(await store.renew(group, fenceOf('b', 1), {}, start)).toEqual({ kind: 'lost', lost: record });
      expect(await store.renew(group, fenceOf('a', 2), {}, start)).toEqual({ kind: 'lost', lost: record });
      expect(await store.renew(group, fenceOf('a', 1), {}, start + leaseMs)).toEqual({ kind: 'lost', lost: record });
      expect(await store.renew('unknown', fenceOf('a', 1), {}, start)).toEqual({ kind: 'lost', lost: undefined });
    });
  });

  describe('restoreHolder', () => {
    const term = {
      ...fenceOf('a', 1),
      contenderId: 'a',
      instanceId: 'instance-of-a',
      address: 'host:1',
      confirmedAt: start,
    };

    test('writes the holder of a running term back as its TERM knows it', async () => {
      const before = await confirmed(await created());
      await tamper(({ holder: _, ...rest }) => rest);
      const { won } = await store.restoreHolder(group, { ...term, metadata: { zone: 'a' } }, {}, start + 1);
      expect(won?.holder).toEqual({ ...before.holder, grantedAt: start });
      const moved = await store.restoreHolder(group, term, { address: 'host:3' }, start + 1);
      expect(moved.won?.holder).toMatchObject({ address: 'host:3' });
    });

    test('loses when the term has ended, expired or been followed', async () => {
      await created();
      expect((await store.restoreHolder(group, term, {}, start + leaseMs)).won).toBeUndefined();
      expect((await store.restoreHolder(group, { ...term, fencingVersion: 2 }, {}, start)).won).toBeUndefined();
      await store.revoke(group, { fencingVersion: 1, reason: 'why', force: false }, 'r', start);
      const { lost } = await store.restoreHolder(group, term, {}, start);
      expect(lost).not.toHaveProperty('holder.sessionId');
    });
  });
}
