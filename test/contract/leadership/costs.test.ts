import { beforeEach, expect, test } from 'vitest';
import { counted } from '../../../infra/counted-units.ts';
import { confirm, renew, resign, revoke } from '../../../leadership/leadership.ts';
import { unitsOf } from '../../support/capacity.ts';
import { leaseMs, openRoom, problemOf, skewMs } from './room.ts';

let it: Awaited<ReturnType<typeof openRoom>>;
beforeEach(async () => {
  it = await openRoom();
});

const group = 'orders-in-a-region-with-a-longer-name';
const longest = { address: 'a'.repeat(256), metadata: { note: 'm'.repeat(245) } };

/** The requests of a step: command, and capacity units as AWS charges them. */
async function cost(step: () => Promise<unknown>) {
  const from = it.faults.sent.length;
  await step();
  return Promise.all(it.faults.sent.slice(from).map(async (one) => [one.command, await unitsOf(one, it.other)]));
}

const contend = (contenderId: string) => it.contend(contenderId, undefined, group);

test('every step costs what the table of the design promises, with the longest address and metadata', async () => {
  expect(JSON.stringify(longest.metadata)).toHaveLength(256);
  await contend('contender-0000000000000000000000000001');
  it.clock.time += leaseMs + skewMs + 1;
  const term = await contend('contender-0000000000000000000000000002');
  it.clock.time += leaseMs + skewMs + 1;

  const [granted] = it.faults.sent.slice(-1);
  expect(granted).toMatchObject({ command: 'UpdateItemCommand', capacity: 1 });
  const next = await contend('contender-0000000000000000000000000003');
  expect(term.fencingVersion + 1).toBe(next.fencingVersion);

  expect(await cost(() => problemOf(contend('b')))).toEqual([['UpdateItemCommand', counted.lostContend.writeUnits]]);
  expect(await cost(() => confirm(it.room, group, next, longest))).toEqual([
    ['GetItemCommand', counted.confirm.readUnits],
    ['TransactWriteItemsCommand', counted.confirm.writeUnits],
  ]);
  expect(await cost(() => renew(it.room, group, next, { leaseMs, ...longest }))).toEqual([
    ['UpdateItemCommand', counted.renew.writeUnits],
  ]);
  expect(await cost(() => renew(it.room, group, next, {}))).toEqual([['UpdateItemCommand', 1]]);
  expect(await cost(() => it.room.store.read(group, false))).toEqual([['GetItemCommand', counted.observe.readUnits]]);
  expect(await cost(() => it.room.store.read(group, true))).toEqual([['GetItemCommand', 1]]);
  const order = { fencingVersion: next.fencingVersion, reason: 'r'.repeat(128), force: false, dryRun: false };
  expect(await cost(() => revoke(it.room, group, order, 'x'))).toEqual([['UpdateItemCommand', 1]]);
  it.clock.time += leaseMs + skewMs + 1;
  const last = await contend('contender-0000000000000000000000000004');
  expect(await cost(() => resign(it.room, group, last, { successor: 'heir' }, 'y'))).toEqual([
    ['UpdateItemCommand', 1],
  ]);
});

test('losing costs the same with 1 and with 100 contenders: one write each, no reads, no scans', async () => {
  await contend('leader');
  const from = it.faults.sent.length;
  await Promise.all(Array.from({ length: 100 }, (_, at) => problemOf(contend(`contender-${at}`))));
  const sent = it.faults.sent.slice(from);
  expect(sent).toHaveLength(100);
  expect(new Set(sent.map(({ command }) => command))).toEqual(new Set(['UpdateItemCommand']));
});
