import { describe, expect, test } from 'vitest';
import { checkChange, checkWrites } from '../../../leadership/invariants.ts';
import { leadershipKey, termKey } from '../../../leadership/keys.ts';
import { LeaseTable } from '../../../leadership/lease-table.ts';
import * as writes from '../../../leadership/lease-writes.ts';
import { allOf, compare, equals, exists } from '../../../store/condition.ts';
import type { Item } from '../../../store/item.ts';
import type { ItemStore } from '../../../store/item-store.ts';
import { attributeOf, plus, remove, set, setAll } from '../../../store/update.ts';
import { deleteItem, put, update, type Write } from '../../../store/write.ts';
import { MemoryItems } from '../../support/memory-items.ts';

const key = leadershipKey('orders');
const now = 1_800_000_000_000;
const fence = { fencingVersion: 7, sessionId: 'session-of-a' };
const grant = { contenderId: 'b', instanceId: 'process-1', sessionId: 'session-of-b', leaseMs: 10_000, requestId: 'r' };
const holder = { contenderId: 'b', sessionId: 'session-of-b', grantedAt: now };
const runs = allOf(
  equals('fencingVersion', 7),
  equals('holder.sessionId', 'session-of-a'),
  compare('expiresAt', '>', now),
);
const record = {
  group: 'orders',
  fencingVersion: 7,
  holder: { contenderId: 'a', sessionId: 'session-of-a', grantedAt: now },
  leaseMs: 10_000,
  expiresAt: now + 10_000,
  newestTerm: 6,
};

describe('a planted bug is refused before it is sent', () => {
  test.each<[string, string, Write]>([
    ['L1', 'a deletion of the record', deleteItem(key)],
    ['L1', 'a version that is set', update(key, set('fencingVersion', 3), exists('pk'))],
    ['L1', 'a version that rises by two', update(key, set('fencingVersion', plus(attributeOf('fencingVersion'), 2)))],
    ['L1', 'a version that is forgotten', update(key, remove('fencingVersion'))],
    ['L1', 'a record that is made whether it exists or not', put(key, { fencingVersion: 1, holder })],
    ['L1', 'a holder of a version that nobody looked at', update(key, set('holder', holder), exists('pk'))],
    [
      'L2',
      'a grant that is confirmed at once',
      update(key, [
        ...set('fencingVersion', plus(attributeOf('fencingVersion'), 1)),
        ...set('holder', { ...holder, confirmedAt: now }),
      ]),
    ],
    [
      'L5',
      'a renewal of a lease that may be over',
      update(key, set('expiresAt', now + 9), equals('fencingVersion', 7)),
    ],
    ['L5', 'a renewal that shortens the lease', update(key, set('expiresAt', now + 9), runs)],
    ['L6', 'a holder for a term that may have ended', update(key, set('holder', holder), equals('fencingVersion', 7))],
  ])('%s: %s', (invariant, _, write) => {
    expect(() => checkWrites([write])).toThrow(expect.objectContaining({ name: 'InvariantViolationError', invariant }));
  });

  test('nothing reaches the store', async () => {
    const sent: unknown[] = [];
    const store = new Proxy({} as ItemStore, { get: (_, method) => () => void sent.push(method) });
    const granted = new LeaseTable(store).grant('orders', { ...grant, leaseMs: -5 }, now, 250);
    await expect(granted).rejects.toMatchObject({ name: 'InvariantViolationError', invariant: 'L4' });
    expect(sent).toEqual([]);
  });
});

test('every write of the product passes', () => {
  const published = { address: 'host:1', metadata: { zone: 'a' } };
  const term = { ...fence, contenderId: 'a', address: 'host:1', confirmedAt: now };
  const all: (readonly Write[])[] = [
    [writes.grantLease('orders', grant, now, 250)],
    writes.createRecord('orders', 1, grant, now).writes,
    writes.createRecord('orders', 1_001, grant, now, 0).writes,
    writes.confirmTerm(record, fence, published, now).writes,
    [writes.renewLease('orders', fence, { leaseMs: 10_000, ...published }, now)],
    [writes.renewLease('orders', fence, {}, now)],
    [writes.restoreHolder('orders', term, {}, now)],
    [writes.resignTerm('orders', fence, { successor: 'heir', stayOut: true }, 'bye', now)],
    [writes.revokeTerm('orders', { fencingVersion: 7, reason: 'stuck', force: true }, 'r', now)],
    [writes.askHandOver('orders', 7, 'heir')],
    writes.expireTerm(record, now),
    writes.closeTerm({ ...record, newestTerm: 6 }, { reason: 'expired' }),
  ];
  for (const each of all) expect(() => checkWrites(each)).not.toThrow();
});

describe('a change that must not take place is refused in memory and in simulations', () => {
  const before: Item = { ...record, renewedAt: now, ...key };
  const ended: Item = {
    ...key,
    group: 'orders',
    fencingVersion: 7,
    leaseMs: 10_000,
    ended: { reason: 'resigned', at: now },
  };
  test.each<[string, string, Item, Item | undefined]>([
    ['L1', 'the record disappears', before, undefined],
    ['L1', 'the version falls', before, { ...before, fencingVersion: 6 }],
    ['L1', 'the version rises by two', before, { ...before, fencingVersion: 9, holder }],
    ['L1', 'the version rises and the session stays', before, { ...before, fencingVersion: 8 }],
    ['L2', 'a grant is confirmed', before, { ...before, fencingVersion: 8, holder: { ...holder, confirmedAt: now } }],
    ['L5', 'a lease is shortened', before, { ...before, expiresAt: now + 9_999 }],
    ['L6', 'a term resumes', ended, { ...ended, holder: record.holder }],
  ])('%s: %s', (invariant, _, from, to) => {
    expect(() => checkChange({ key, before: from, after: to })).toThrow(expect.objectContaining({ invariant }));
  });

  test('of the leadership record alone, and not of a record that is new', () => {
    expect(() => checkChange({ key: termKey('orders', 7), before: { a: 1 }, after: undefined })).not.toThrow();
    expect(() => checkChange({ key, before: undefined, after: before })).not.toThrow();
  });

  test('and leaves the items as they were', async () => {
    const items = new MemoryItems(checkChange);
    await items.write([put(key, before)]);
    const write = items.write([update(key, setAll({ fencingVersion: 3 }))]);
    await expect(write).rejects.toMatchObject({ invariant: 'L1' });
    expect(items.item(key)).toEqual(before);
  });
});
