/** Responses when replicas are lost, rivals interfere and processes die, provoked on real tables. */
import { randomUUID } from 'node:crypto';
import { beforeAll, expect, inject, test } from 'vitest';
import { maxRound, pack } from '../../../api/ballot.ts';
import { leaseTable } from '../../../leadership/lease-table.ts';
import { lockAll, unlockAll } from '../../../log/protocol/lock.ts';
import { defaultSettings, type LogParts } from '../../../log/protocol/log.ts';
import { systemTimer } from '../../../log/protocol/quorum.ts';
import type { RegisteredLog } from '../../../log/protocol/registry.ts';
import { getLogOrThrow } from '../../../log/registered-log.ts';
import { asks, type Call, founded, served } from '../../support/log/served.ts';
import { logsWith, type TestLogs } from '../../support/log/tables.ts';
import { localDocuments } from '../../support/main-table.ts';

let tables: TestLogs['tables'];
beforeAll(async () => {
  tables = (await logsWith(inject('dynamodb'), 3)).tables;
});

/** An election hears every replica that can be heard, however slow the machine is. */
const settings = { ...defaultSettings, electionGraceMs: defaultSettings.answerMs, tries: 2 };

const begunAt = Date.now();

/** A process that serves the API; its faults are its own, and its clock stands still, `aheadMs` ahead of the others. */
async function newProcess({ aheadMs = 0, changed = (parts: LogParts) => parts } = {}) {
  const { room, faults } = await logsWith(inject('dynamodb'), 3, tables);
  const timer = { ...systemTimer, now: () => begunAt + aheadMs };
  const partsOf = (registered: RegisteredLog) => changed({ ...room.partsOf(registered), timer, settings });
  const parts = async (group: string, log: string) => partsOf(await getLogOrThrow(room.registry, { group, log }));
  const call = served(inject('dynamodb'), tables.main, { ...room, partsOf });
  const lose = (...ids: number[]) => {
    for (const id of ids) replica(id).plan = () => 'request lost';
  };
  const replica = (id: number) => faults.replicas[id - 1] ?? expect.fail(`There is no replica ${id}`);
  return { call, parts, registry: room.registry, main: faults.main, replica, lose };
}

async function newLog(call: Call) {
  const path = await founded(call);
  const [, , , , , log = ''] = path.split('/');
  return { path, log, ...asks(call, path) };
}

const item = (position: number, text: string) => ({ position, data: Buffer.from(text).toString('base64') });
const problem = (status: number, code: string, members: object = {}) => ({
  status,
  body: { code, status, ...members },
});

test('outcome_unknown: a quorum was lost; pending until it is settled, and the same request is placed once', async () => {
  const { call, lose } = await newProcess();
  const { path, elect, append } = await newLog(call);
  const writer = await elect();
  expect((await append(writer, ['a'])).body).toEqual({ first: 1, last: 1 });
  lose(2, 3);
  const unknown = { retryable: true, retryAfterMs: expect.any(Number) };
  expect(await append(writer, ['b', 'c'], 'key')).toMatchObject(problem(503, 'outcome_unknown', unknown));

  const another = asks((await newProcess()).call, path);
  const pending = { position: 2, retryable: true, retryAfterMs: 500 };
  expect(await another.read('?from=2')).toMatchObject(problem(409, 'pending', pending));
  expect(await another.read('?from=1&to=3')).toMatchObject(problem(409, 'pending', pending));
  expect((await another.read()).body).toEqual({ items: [item(1, 'a')] });
  // Of the quorum that settles them replica 1 must be one: it alone has the entries.
  const late = await newProcess({ aheadMs: settings.stuckMs + 1 });
  late.lose(3);
  const later = asks(late.call, path);
  expect((await later.read('?from=2')).body).toEqual({ items: [item(2, 'b'), item(3, 'c')] });

  expect((await another.append(await another.elect(), ['b', 'c'], 'key')).body).toEqual({ first: 2, last: 3 });
  expect((await another.read('?from=2')).body.items).toHaveLength(2);
});

test('outcome_unknown: every answer was lost, though the entry is in the log', async () => {
  const { call, replica } = await newProcess();
  const { path, elect, append } = await newLog(call);
  const writer = await elect();
  for (const id of [1, 2, 3]) {
    const faults = ['answer lost' as const];
    // The client repeats what was not answered.
    replica(id).plan = () => faults.pop() ?? 'request lost';
  }
  expect(await append(writer, ['a'], 'key')).toMatchObject(problem(503, 'outcome_unknown'));
  const another = asks((await newProcess()).call, path);
  const next = await another.elect();
  expect((await another.read()).body).toEqual({ items: [item(1, 'a')] });
  expect(await another.append(next, ['a'], 'key')).toMatchObject({ status: 201, body: { first: 1, last: 1 } });
});

test('outcome_unknown: a rival had the promises and died before it took the sequencer over', async () => {
  const { call } = await newProcess();
  const { path, elect, append, status, read } = await newLog(call);
  const writer = await elect();
  const rival = await newProcess();
  rival.main.plan = (command) => (command === 'UpdateItemCommand' ? 'request lost' : undefined);
  expect(await asks(rival.call, path).elect()).toMatchObject(problem(503, 'unavailable'));
  const promised = async () => (await status()).body.replicas.map((one: { promised: number }) => one.promised);
  await expect.poll(promised).toEqual([2, 2, 2]);
  // Every replica refused to accept the value, but holds it staged: the next election finds it there.
  expect(await append(writer, ['a'], 'key')).toMatchObject(problem(503, 'outcome_unknown'));
  expect(await append(writer, ['a'], 'key')).toMatchObject(problem(409, 'not_elected', { retryable: false }));
  const next = await elect();
  expect(await append(next, ['a'], 'key')).toMatchObject({ status: 201, body: { first: 1 } });
  expect((await append(next, ['b'])).body.first).toBe(2);
  expect((await read()).body.items).toEqual([item(1, 'a'), item(2, 'b')]);
});

test('entries whose place the election filled are placed anew, once', async () => {
  const dying = await newProcess();
  const { path, elect, append } = await newLog(dying.call);
  const writer = await elect();
  dying.lose(1, 2, 3);
  expect(await append(writer, ['a', 'b'], 'key')).toMatchObject(problem(503, 'outcome_unknown'));
  const next = asks((await newProcess()).call, path);
  const elected = await next.elect();
  expect(elected).toMatchObject({ status: 200, body: { position: 2 } });
  expect((await next.read()).body).toEqual({ items: [] });
  expect(await next.append(elected, ['a', 'b'], 'key')).toMatchObject({ status: 201, body: { first: 3, last: 4 } });
  expect(await next.append(elected, ['a', 'b'], 'key')).toMatchObject({ status: 201, body: { first: 3, last: 4 } });
  expect((await next.read()).body.items).toEqual([item(3, 'a'), item(4, 'b')]);
});

test('election_lost: for good to a newer term, for a while to rivals of the same one', async () => {
  const { call } = await newProcess();
  const { path, log, elect, append, read } = await newLog(call);
  const rival = await (await newProcess()).parts('orders', log);
  const beaten = (parts: LogParts): LogParts => ({
    ...parts,
    replicas: parts.replicas.map((replica, at) => ({
      ...replica,
      async promise(request) {
        await rival.replicas[at]?.promise({ ...request, number: request.number + 1, by: randomUUID() });
        return replica.promise(request);
      },
    })),
  });
  const outrun = asks((await newProcess({ changed: beaten })).call, path);
  const again = { ballot: 4, final: false, retryable: true, retryAfterMs: 200 };
  expect(await outrun.elect()).toMatchObject(problem(409, 'election_lost', again));
  expect((await append(await elect(), ['a'])).status).toBe(201);

  const group = `led-${randomUUID()}`;
  const { elect: electIn, append: appendIn } = asks(call, await founded(call, group));
  const sessionId = randomUUID();
  const leases = leaseTable(localDocuments(inject('dynamodb')), tables.main);
  const grant = { contenderId: 'one', instanceId: 'one', sessionId, leaseMs: 60_000, requestId: randomUUID() };
  expect(await leases.create(group, 7, grant, Date.now())).toHaveProperty('won');
  const led = await electIn({ 'Fencing-Version': '7', 'Leader-Session': sessionId });
  expect(led).toMatchObject({ status: 200, body: { ballot: pack(7, 1) } });
  const final = { ballot: pack(7, 1), final: true, retryable: false };
  expect(await electIn()).toMatchObject(problem(409, 'election_lost', final));
  const former = { 'Fencing-Version': '6', 'Leader-Session': sessionId };
  expect(await electIn(former)).toMatchObject(problem(409, 'leadership_lost', { fencingVersion: 7 }));
  expect((await appendIn(led, ['led'])).status).toBe(201);
  expect((await read()).body.items).toHaveLength(1);
});

test('rounds_exhausted: a version that has used its last ballot is at its end', async () => {
  const { call, parts } = await newProcess();
  const { log, elect } = await newLog(call);
  const last = pack(0, maxRound);
  for (const replica of (await parts('orders', log)).replicas) {
    const { view } = await replica.read();
    expect(await replica.promise({ number: last, by: randomUUID(), view, forget: [] })).toHaveProperty('end');
  }
  expect(await elect()).toMatchObject(problem(409, 'rounds_exhausted', { ballot: last, retryable: false }));
});

test('log_not_recovered: who elects or reads is told which replicas are left; unavailable without the main table', async () => {
  const { call, lose, main } = await newProcess();
  const { elect, append, read } = await newLog(call);
  const writer = await elect();
  lose(1, 2);
  const statuses = ['UNREACHABLE', 'UNREACHABLE', 'VOTING'];
  const facts = { voting: 1, quorum: 2, statuses, retryable: true, retryAfterMs: 1_000 };
  expect(await elect()).toMatchObject(problem(503, 'log_not_recovered', facts));
  expect(await read()).toMatchObject(problem(503, 'log_not_recovered', facts));
  main.plan = () => 'request lost';
  expect(await append(writer, ['a'])).toMatchObject(problem(503, 'unavailable', { retryable: true }));
});

test('state_locked: a backup holds appends back, and the same request is placed once it is gone', async () => {
  const { call, parts } = await newProcess();
  const { log, elect, append } = await newLog(call);
  const writer = await elect();
  expect(await lockAll(await parts('orders', log), 'cut')).toMatchObject({ end: 0 });
  const wait = { retryable: true, retryAfterMs: expect.any(Number) };
  expect(await append(writer, ['a'], 'key')).toMatchObject(problem(409, 'state_locked', wait));
  await unlockAll(await parts('orders', log), 'cut');
  expect(await append(writer, ['a'], 'key')).toMatchObject({ status: 201, body: { first: 1, last: 1 } });
});

test('truncation_held: a backup reads these positions; up to its own the log is truncated all the same', async () => {
  const { call, registry } = await newProcess();
  const { path, log, elect, append, read } = await newLog(call);
  const writer = await elect();
  await append(writer, ['a', 'b', 'c']);
  await registry.hold('orders', log, { backupId: 'backup', from: 2 });
  const truncate = (to: number) =>
    call('POST', `${path}/truncate`, { to }, { 'Log-Writer': writer.body.writerId, 'Idempotency-Key': `to-${to}` });
  const held = { backupId: 'backup', from: 2, retryable: true, retryAfterMs: 5_000 };
  expect(await truncate(3)).toMatchObject(problem(409, 'truncation_held', held));
  expect((await read()).body.items.at(0)).toEqual(item(1, 'a'));
  expect(await truncate(2)).toMatchObject({ status: 200 });
  expect(await read('?from=1')).toMatchObject(problem(410, 'truncated', { begin: 2 }));
  await registry.release('orders', log, 'backup');
  expect(await truncate(3)).toMatchObject({ status: 200 });
});
