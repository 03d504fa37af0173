/** The members of a log on real tables: recorded, changed one step at a time, and used by everybody. */
import { randomUUID } from 'node:crypto';
import { expect, inject, test } from 'vitest';
import { leaseTable } from '../../../leadership/lease-table.ts';
import { changeMembers } from '../../../log/members.ts';
import { recover } from '../../../log/protocol/recovery.ts';
import { WriterMemories } from '../../../log/writer-memories.ts';
import { asks, served } from '../../support/log/served.ts';
import { logsWith, type TestLogs } from '../../support/log/tables.ts';
import { localDocuments } from '../../support/main-table.ts';

const endpoint = inject('dynamodb');
const group = 'orders';
const text = ({ data }: { data: string }) => Buffer.from(data, 'base64').toString();

/** A deployment that has only the first tables of all. */
const deployed = ({ main, replicas }: TestLogs['tables'], count: number) =>
  logsWith(endpoint, count, { main, replicas: replicas.slice(0, count) });

/** A log that was created where so many tables were deployed, with what one process asks of it. */
async function logOn(count: number, tables = 5) {
  const all = (await logsWith(endpoint, tables)).tables;
  const { room } = await deployed(all, count);
  const log = `log-${randomUUID().slice(0, 8)}`;
  await room.create({ group, log, autoInitialize: true, createdAt: 1 });
  const parts = await room.open(group, log);
  await Promise.all(parts.replicas.map((replica) => recover(parts, replica, { autoInitialize: true })));
  const path = `/v1/groups/${group}/logs/${log}`;
  const on = async (size: number) => {
    const process = await deployed(all, size);
    const call = served(endpoint, all.main, process.room);
    return { ...process, call, ...asks(call, path) };
  };
  return { log, path, all, on };
}

/** The service on a room; what it starts a recovery for is recovered at once. */
async function serviceOn({ room, tables }: TestLogs) {
  const open = async ({ log }: { log: string }) => room.open(group, log);
  const workflow = {
    async start(input: { log: string; replica: string }) {
      const parts = await open(input);
      const replica = parts.replicas.find(({ id }) => id === input.replica) ?? expect.fail(input.replica);
      await recover(parts, replica, { autoInitialize: false });
      return { executionId: 'done' };
    },
    stop: async () => [],
  };
  const leases = leaseTable(localDocuments(endpoint), tables.main);
  return { ...room, leases, workflow, memories: new WriterMemories() };
}

async function changeTo(logs: TestLogs, log: string, wish: Parameters<typeof changeMembers>[2]) {
  const service = await serviceOn(logs);
  let { configuration, waitsFor } = await changeMembers(service, { group, log }, wish, 20_000);
  for (let tried = 0; tried < 20 && waitsFor !== undefined; tried += 1) {
    ({ configuration, waitsFor } = await changeMembers(service, { group, log }, {}, 20_000));
  }
  expect(waitsFor).toBeUndefined();
  return configuration;
}

test('a log keeps its members when the deployment gets more tables, and when it gets fewer it says what is missing', async () => {
  const { on, path } = await logOn(3);
  const wide = await on(5);
  await wide.append(await wide.elect(), ['kept']);
  expect((await wide.status()).body).toMatchObject({ quorum: 2, voting: 3, configuration: { version: 1 } });
  const narrow = await on(2);
  const missing = { status: 503, body: { code: 'replica_missing', replica: '3', table: expect.any(String) } };
  expect(await narrow.elect()).toMatchObject(missing);
  expect(await narrow.read()).toMatchObject(missing);
  expect(await narrow.call('POST', `${path}/replicas/1/recover`, {})).toMatchObject(missing);
  expect((await wide.read()).body.items.map(text)).toEqual(['kept']);
});

test('3 to 5 to 3 to another one: every acknowledged entry is read back after each change', async () => {
  const { on, log, all } = await logOn(3);
  const process = await on(5);
  const [, , , fourth = '', fifth = ''] = all.replicas;
  const written: string[] = [];
  const write = async (entry: string) => {
    expect(await process.append(await process.elect(), [entry])).toMatchObject({ status: 201 });
    written.push(entry);
    expect((await process.read()).body.items.map(text)).toEqual(written);
  };
  await write('on three');
  const five = await changeTo(process, log, { add: [{ table: fourth }, { table: fifth }] });
  expect([five.version, five.replicas.map(({ id }) => id)]).toEqual([3, ['1', '2', '3', '4', '5']]);
  await write('on five');
  const three = await changeTo(process, log, { remove: ['1', '2'] });
  expect(three.replicas.map(({ id }) => id)).toEqual(['3', '4', '5']);
  await write('on the last three');
  const replaced = await changeTo(process, log, { remove: ['3'], add: [{ table: all.replicas[0] ?? '' }] });
  expect(replaced.replicas.map(({ table }) => table)).toEqual([fourth, fifth, all.replicas[0]]);
  await write('on one that came back');
  expect((await process.status()).body).toMatchObject({ quorum: 2, voting: 3, end: expect.any(Number) });
});

test('a writer of the older members is refused, and its request is in the log once it is elected again', async () => {
  const { on, log, all } = await logOn(3);
  const old = await on(5);
  const other = await on(5);
  const writer = await old.elect();
  await old.append(writer, ['before']);
  const table = all.replicas[3] ?? '';
  await changeTo(other, log, { remove: ['1'], add: [{ table }] });
  const key = randomUUID();
  expect(await old.append(writer, ['after'], key)).toMatchObject({
    status: 409,
    body: { code: 'not_elected', closed: true },
  });
  expect(await old.append(await old.elect(), ['after'], key)).toMatchObject({ status: 201 });
  expect((await other.read()).body.items.map(text)).toEqual(['before', 'after']);
});

test('a change that is not possible is refused and named; a dry run changes nothing', async () => {
  const { on, path, all } = await logOn(3);
  const { call } = await on(5);
  const change = (body: object) => call('POST', `${path}/replicas`, body);
  const refused = (detail: string) => ({
    status: 409,
    body: { code: 'members_refused', detail: expect.stringContaining(detail) },
  });
  const [first = '', , , fourth = '', fifth = ''] = all.replicas;
  expect(await change({ add: [{ table: fourth }] })).toMatchObject(refused('would have 4 replicas'));
  expect(await change({ remove: ['9'] })).toMatchObject(refused('no replica "9"'));
  expect(await change({ add: [{ table: 'elsewhere' }, { table: fifth }] })).toMatchObject(refused('table elsewhere'));
  expect(await change({ add: [{ table: first }, { table: fifth }] })).toMatchObject(refused('already'));
  const add = [{ table: fourth }, { table: fifth }];
  const dry = await change({ add, dryRun: true });
  expect(dry).toMatchObject({ status: 202, body: { configuration: { next: { phase: 'CATCHING_UP' } } } });
  expect((await call('GET', path)).body.configuration).not.toHaveProperty('next');
  expect(await change({ add })).toMatchObject({ body: { waitsFor: 'replica "4", "5" does not vote yet' } });
  expect(await change({ remove: ['1', '2'] })).toMatchObject(refused('another change'));
  const cancelled = await change({ cancel: true });
  expect(cancelled.body.configuration).toMatchObject({ version: 1 });
  expect(cancelled.body.configuration).not.toHaveProperty('next');
});

test('a deleted log is gone from every replica, and one that is created under its name is empty', async () => {
  const { on, path, log } = await logOn(3, 3);
  const process = await on(3);
  await process.append(await process.elect(), ['old']);
  expect(await process.call('DELETE', path)).toMatchObject({ status: 200 });
  expect(await process.status()).toMatchObject({ status: 404 });
  expect(await process.call('DELETE', path)).toMatchObject({ status: 404 });
  expect((await process.call('PUT', path, {})).status).toBe(201);
  const parts = await process.room.open(group, log);
  await Promise.all(parts.replicas.map((replica) => recover(parts, replica, { autoInitialize: true })));
  const writer = await process.elect();
  expect((await process.read()).body).toEqual({ items: [] });
  await process.append(writer, ['new']);
  expect((await process.read()).body.items.map(text)).toEqual(['new']);
});

test('a log that a backup reads is not deleted, and only the leader deletes with a fence', async () => {
  const { on, path, log } = await logOn(3, 3);
  const { call, room } = await on(3);
  await room.registry.hold(group, log, { backupId: 'backup', from: 0 });
  expect(await call('DELETE', path)).toMatchObject({ status: 409, body: { code: 'truncation_held' } });
  await room.registry.release(group, log, 'backup');
  const fence = { 'Fencing-Version': '7', 'Leader-Session': randomUUID() };
  expect(await call('DELETE', path, undefined, fence)).toMatchObject({
    status: 409,
    body: { code: 'leadership_lost' },
  });
  expect((await call('GET', path)).status).toBe(200);
});

test('a group has at most so many logs', async () => {
  const { room } = await logsWith(endpoint, 1);
  const { createLog } = await import('../../../log/log-life.ts');
  const one = (log: string) => createLog({ ...room, mostLogs: 2 }, { group: 'many', log }, true);
  await one('a');
  await one('b');
  await expect(one('c')).rejects.toMatchObject({ code: 'limit_reached' });
  expect(await one('b')).toMatchObject({ created: false });
});
