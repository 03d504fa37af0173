import { beforeEach, describe, expect, test } from 'vitest';
import type { GroupStore } from '../../../leadership/group-table.ts';
import type { LeadershipRecord } from '../../../leadership/lease.ts';
import type { LeaseStore } from '../../../leadership/lease-store.ts';
import {
  fenceOf,
  grantOf,
  group,
  later,
  leaseMs,
  type StoreUnderTest,
  skewMs,
  start,
  storeUnderTest,
} from './store-under-test.ts';

/** The contract of the group port: one function, run against each implementation. */
export function groupStoreContract(make: () => Promise<StoreUnderTest>) {
  const under = storeUnderTest(make);
  const { created, confirmed, stored, tamper } = under;
  let store: LeaseStore & GroupStore;
  beforeEach(() => {
    store = under.store;
  });

  describe('groups and terms', () => {
    test('lists groups by name, page by page, and reads their records', async () => {
      const names = ['delta', 'alpha', 'charlie', 'bravo'];
      for (const name of names) await store.create(name, 1, grantOf(`of-${name}`), start);
      const first = await store.listGroups(undefined, 3);
      expect(first).toEqual({ items: ['alpha', 'bravo', 'charlie'], last: 'charlie' });
      expect(await store.listGroups(first.last, 3)).toEqual({ items: ['delta'], last: undefined });
      const records = await store.readRecords(['delta', 'alpha', 'missing']);
      expect(records.map(({ group: name, holder }) => [name, holder?.contenderId])).toEqual([
        ['alpha', 'of-alpha'],
        ['delta', 'of-delta'],
      ]);
    });

    test('lists confirmed terms, newest first, and continues after the last key', async () => {
      let now = start;
      let record = await confirmed(await created());
      for (const [at, contenderId] of ['b', 'c', 'd'].entries()) {
        now += leaseMs + skewMs + 1;
        const { won } = await store.grant(group, grantOf(contenderId), now, skewMs);
        record = won as LeadershipRecord;
        if (at !== 1) await confirmed(record, now);
      }
      const versions = async (after?: string) => {
        const { items, last } = await store.listTerms(group, after, 2);
        return { versions: items.map(({ fencingVersion }) => fencingVersion), last };
      };
      const first = await versions();
      expect(first.versions).toEqual([4, 2]);
      expect((await versions(first.last)).versions).toEqual([1]);
    });

    test('ends a term as expired unless its record has changed', async () => {
      const record = await confirmed(await created());
      const { won: renewed } = await store.renew(group, fenceOf('a', 1), {}, start + 1);
      expect(await store.expire(record, later)).toBe(false);
      expect(await store.expire(renewed as LeadershipRecord, later)).toBe(true);
      const ended = { reason: 'expired', at: start + 1 + leaseMs };
      expect(await stored()).toMatchObject({ fencingVersion: 1, ended, closedTerm: 1 });
      expect((await stored()).holder ?? (await stored()).expiresAt).toBeUndefined();
      expect(await store.readTerm(group, 1)).toMatchObject({ endedAt: ended.at, endReason: 'expired' });
      expect(await store.expire(renewed as LeadershipRecord, later)).toBe(false);
    });

    test.each([{ expiresAt: undefined }, { expiresAt: 'soon' }])(
      'ends a term whose expiry is damaged: %j',
      async (damage) => {
        await created();
        await tamper(({ expiresAt: _, ...rest }) => (damage.expiresAt ? { ...rest, ...damage } : rest));
        const seen = await stored();
        expect(await store.expire(seen, later)).toBe(true);
        expect(await stored()).toMatchObject({ fencingVersion: 1, ended: { reason: 'expired', at: later } });
        expect((await store.grant(group, grantOf('b'), later, skewMs)).won).toMatchObject({ fencingVersion: 2 });
        expect(await store.expire(seen, later)).toBe(false);
      },
    );

    test('closes the newest TERM once, and not when a newer one exists', async () => {
      const first = await confirmed(await created());
      const { won } = await store.resign(group, fenceOf('a', 1), { stayOut: true }, 'bye', start + 1);
      const ending = { reason: 'resigned' as const, at: start + 1 };
      expect(await store.close(won as LeadershipRecord, ending)).toBe(true);
      expect(await store.readTerm(group, 1)).toMatchObject({ endedAt: start + 1, endReason: 'resigned' });
      await store.close(won as LeadershipRecord, { reason: 'expired', at: start + 99 });
      expect(await store.readTerm(group, 1)).toMatchObject({ endedAt: start + 1, endReason: 'resigned' });
      const next = await store.grant(group, grantOf('b'), start + 2, skewMs);
      await confirmed(next.won as LeadershipRecord, start + 2);
      expect(await store.close(first, ending)).toBe(false);
    });
  });
}
