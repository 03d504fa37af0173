import { DeleteCommand } from '@aws-sdk/lib-dynamodb';
import { beforeEach, describe, expect, test } from 'vitest';
import { mostAddresses } from '../../../api/operations/leadership.ts';
import { counted } from '../../../infra/counted-units.ts';
import { observedAddresses, publishAddress, withdrawAddress } from '../../../leadership/addresses.ts';
import { addressesKey } from '../../../leadership/keys.ts';
import { confirm, renew, resign, revoke } from '../../../leadership/leadership.ts';
import type { LeaseStore } from '../../../leadership/lease-store.ts';
import { unitsOf } from '../../support/capacity.ts';
import type { Fault } from '../../support/faults.ts';
import { leaseMs, openRoom, problemOf, skewMs } from './room.ts';

let it: Awaited<ReturnType<typeof openRoom>>;
beforeEach(async () => {
  it = await openRoom();
});

const group = 'orders';
const shown = async (consistent = true) => {
  const record = await it.room.store.read(group, consistent);
  return (await observedAddresses(it.room, group, record, consistent)).addresses;
};

async function confirmed(contenderId = 'a') {
  const term = await it.contend(contenderId);
  await confirm(it.room, group, term, { address: 'x:1' });
  return term;
}

test('addresses are shown once the term is confirmed, replaced by name, and withdrawn', async () => {
  const term = await it.contend('a');
  await publishAddress(it.room, group, term, 'dispatcher', 'akka://a/dispatcher');
  expect(await shown()).toEqual({});
  await confirm(it.room, group, term, { address: 'x:1' });
  await publishAddress(it.room, group, term, 'rest', 'http://a:8081');
  expect(await shown()).toEqual({ dispatcher: 'akka://a/dispatcher', rest: 'http://a:8081' });
  await publishAddress(it.room, group, term, 'rest', 'http://a:8082');
  await withdrawAddress(it.room, group, term, 'dispatcher');
  await withdrawAddress(it.room, group, term, 'never-published');
  expect(await shown()).toEqual({ rest: 'http://a:8082' });
});

test('eight parts that publish at once are all shown', async () => {
  const term = await confirmed();
  const names = Array.from({ length: 8 }, (_, at) => `part-${at}`);
  await Promise.all(names.map((name) => publishAddress(it.room, group, term, name, `at:${name}`)));
  expect(Object.keys(await shown()).sort()).toEqual(names);
});

describe('they vanish with their term', () => {
  test.each([
    ['it is resigned', (term: Awaited<ReturnType<typeof confirmed>>) => resign(it.room, group, term, {}, 'bye')],
    ['it expires', async () => it.clock.advance(leaseMs + 1)],
    [
      'it is revoked',
      ({ fencingVersion }: Awaited<ReturnType<typeof confirmed>>) =>
        revoke(it.room, group, { fencingVersion, reason: 'test', force: true, dryRun: false }, 'end'),
    ],
  ])('when %s, and the next term begins without any', async (_, end) => {
    const term = await confirmed();
    await publishAddress(it.room, group, term, 'rest', 'http://a:8081');
    await end(term);
    expect(await shown()).toEqual({});
    it.clock.time += leaseMs + skewMs + 1;
    const next = await confirmed('b');
    expect(await shown()).toEqual({});
    await publishAddress(it.room, group, next, 'other', 'http://b');
    expect(await shown()).toEqual({ other: 'http://b' });
  });
});

test('a deposed leader publishes and withdraws nothing', async () => {
  const old = await confirmed();
  await publishAddress(it.room, group, old, 'rest', 'http://a');
  it.clock.time += leaseMs + skewMs + 1;
  expect(await problemOf(publishAddress(it.room, group, old, 'rest', 'http://late'))).toMatchObject({
    code: 'leadership_lost',
    members: { reason: 'expired' },
  });
  const next = await confirmed('b');
  await publishAddress(it.room, group, next, 'rest', 'http://b');
  for (const late of [
    () => publishAddress(it.room, group, old, 'rest', 'http://late'),
    () => publishAddress(it.room, group, { ...next, sessionId: old.sessionId }, 'rest', 'http://late'),
    () => withdrawAddress(it.room, group, old, 'rest'),
  ])
    expect(await problemOf(late())).toMatchObject({ code: 'leadership_lost' });
  expect(await shown()).toEqual({ rest: 'http://b' });
});

test('a leader that is deposed between its read and its write writes nothing', async () => {
  const old = await confirmed();
  await publishAddress(it.room, group, old, 'rest', 'http://a');
  const { store } = it.room;
  const outrun: LeaseStore['writeAddresses'] = async (...write) => {
    it.clock.time += leaseMs + skewMs + 1;
    const next = await confirmed('b');
    await publishAddress(it.room, group, next, 'rest', 'http://b');
    return store.writeAddresses(...write);
  };
  const overtaken = new Proxy(store, {
    get: (target, name) => (name === 'writeAddresses' ? outrun : Reflect.get(target, name).bind(target)),
  });
  const late = publishAddress({ ...it.room, store: overtaken }, group, old, 'rest', 'http://late');
  expect(await problemOf(late)).toMatchObject({ code: 'leadership_lost', members: { reason: 'superseded' } });
  expect(await shown()).toEqual({ rest: 'http://b' });
});

describe.each<Fault>(['answer lost', 'duplicate', 'throttle', 'request lost', 'transaction conflict'])(
  'with the fault "%s" on the write',
  (fault) => {
    test('an address is published, and withdrawn, once', async () => {
      const term = await confirmed();
      it.faults.once(fault, 'TransactWriteItemsCommand');
      await publishAddress(it.room, group, term, 'rest', 'http://a');
      expect(await shown()).toEqual({ rest: 'http://a' });
      it.faults.once(fault, 'TransactWriteItemsCommand');
      await withdrawAddress(it.room, group, term, 'rest');
      expect(await shown()).toEqual({});
    });
  },
);

test('a term publishes 64 addresses and no more; one that is there may still change', async () => {
  const term = await confirmed();
  for (let at = 0; at < mostAddresses; at += 1)
    await publishAddress(it.room, group, term, `job-${at}`, 'a'.repeat(512));
  expect(await problemOf(publishAddress(it.room, group, term, 'one-more', 'a'))).toMatchObject({
    code: 'limit_reached',
    members: { limit: 64, of: 'addresses' },
  });
  await publishAddress(it.room, group, term, 'job-0', 'b');
  expect(Object.keys(await shown())).toHaveLength(64);
});

test('a renewal next to 64 long addresses costs one write unit, an observation without any half a read unit', async () => {
  const term = await it.contend('contender-0000000000000000000000000001');
  const longest = { address: 'a'.repeat(256), metadata: { note: 'm'.repeat(245) } };
  await confirm(it.room, group, term, longest);
  const cost = async (step: () => Promise<unknown>) => {
    const from = it.faults.sent.length;
    await step();
    return it.faults.sent.slice(from).map(({ command, capacity }) => [command, capacity]);
  };
  expect(await cost(() => shown(false))).toEqual([['GetItemCommand', counted.observe.readUnits]]);
  for (let at = 0; at < mostAddresses; at += 1)
    await publishAddress(it.room, group, term, `job-${at}`, 'a'.repeat(512));
  expect(await cost(() => renew(it.room, group, term, { leaseMs, ...longest }))).toEqual([['UpdateItemCommand', 1]]);
});

test('an address costs what the page says, the first one of a term a read unit less', async () => {
  const term = await confirmed();
  const cost = async (step: () => Promise<unknown>) => {
    const from = it.faults.sent.length;
    await step();
    const units = { readUnits: 0, writeUnits: 0 };
    for (const one of it.faults.sent.slice(from))
      units[one.command.startsWith('Get') ? 'readUnits' : 'writeUnits'] += await unitsOf(one, it.other);
    return units;
  };
  const first = await cost(() => publishAddress(it.room, group, term, 'rest', 'http://a'));
  expect(first).toEqual({ ...counted.address, readUnits: 1 });
  expect(await cost(() => publishAddress(it.room, group, term, 'rest', 'http://b'))).toEqual(counted.address);
});

test('damaged addresses are none, and the next one that is published is shown', async () => {
  const term = await confirmed();
  await publishAddress(it.room, group, term, 'rest', 'http://a');
  await it.other.send(new DeleteCommand({ TableName: it.table, Key: addressesKey(group) }));
  expect(await shown()).toEqual({});
  await publishAddress(it.room, group, term, 'rest', 'http://a');
  expect(await shown()).toEqual({ rest: 'http://a' });
});
