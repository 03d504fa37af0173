/** Logs in direct mode: the coordinator runs in the writer's process, on the tables themselves. */
import { randomUUID } from 'node:crypto';
import { beforeAll, describe, expect, inject, onTestFinished, test, vi } from 'vitest';
import { runCli } from '../../../cli/main.ts';
import { tableClient } from '../../../client/direct/table-client.ts';
import { ReplicatedLog } from '../../../client/log/replicated-log.ts';
import type { TenureClient } from '../../../client/tenure-client.ts';
import { systemTime, type Time } from '../../../client/time.ts';
import { injectFaults } from '../../support/faults.ts';
import { directClient, directly } from '../../support/log/direct-call.ts';
import { asks, served } from '../../support/log/served.ts';
import { logsWith, type TestLogs, wipeTable } from '../../support/log/tables.ts';
import { localDynamoDb } from '../../support/main-table.ts';
import { recordedShell } from '../../support/shell.ts';
import { logContract } from './log-contract.ts';

const endpoint = inject('dynamodb');
let shared: TestLogs;
beforeAll(async () => {
  shared = await logsWith(endpoint, 3);
});

describe('direct mode', () => {
  let client: TenureClient;
  beforeAll(() => {
    client = directClient(endpoint, shared.tables);
  });
  logContract(() => directly(client));
});

/** A process of its own in direct mode, and what it sends to the main table and to the first replica. */
function counted({ main, replicas }: TestLogs['tables']) {
  const clients = [main, ...replicas].map(() => localDynamoDb(endpoint));
  let looks = 0;
  const time: Time = {
    ...systemTime,
    setTimer(ms, act) {
      if (ms === 60_000) looks += 1;
      return systemTime.setTimer(ms, act);
    },
  };
  const [dynamodb, ...others] = clients;
  const faults = clients.map(injectFaults);
  const client = tableClient({
    time,
    table: { name: main, ...(dynamodb && { dynamodb }) },
    replicas: replicas.map((name, at) => ({ name, ...(others[at] && { dynamodb: others[at] }) })),
  });
  const sent = (at: number) => faults[at]?.sent.filter(({ command }) => command !== 'DescribeTableCommand') ?? [];
  const forget = () => {
    for (const one of faults) one.sent.length = 0;
  };
  /** The looks at the replicas that have ended: each sets the timer of the next one. */
  return { client, sent, forget, looks: () => looks };
}

const texts = async (log: ReplicatedLog) => {
  const read: string[] = [];
  for await (const { data } of log.read()) read.push(Buffer.from(data).toString());
  return read;
};

test('an append is one round of the replicas: the sequencer is asked once in many', async () => {
  const { client, sent, forget, looks } = counted(shared.tables);
  const log = new ReplicatedLog({ client, group: 'orders', log: randomUUID() });
  await log.create();
  const writer = log.writer();
  await writer.append(['first']);
  // The look at the replicas that follows an election.
  await expect.poll(looks).toBe(1);
  forget();
  const many = Array<string>(64).fill('x');
  for (let at = 0; at < 15; at += 1) await writer.append(many);
  expect(sent(0)).toEqual([]);
  expect(sent(1).map(({ command }) => command)).toEqual(Array(15).fill('TransactWriteItemsCommand'));
  for (let at = 0; at < 15; at += 1) await writer.append(many);
  expect(sent(0)).toHaveLength(1);
  expect(await texts(log)).toHaveLength(1 + 30 * 64);
});

test('the next writer knows the requests that the record does not: each is in the log once', async () => {
  const name = { group: 'orders', log: randomUUID() };
  const logs = [1, 2].map(() => new ReplicatedLog({ client: directClient(endpoint, shared.tables), ...name }));
  const [one, other] = logs as [ReplicatedLog, ReplicatedLog];
  await one.create();
  const writer = one.writer();
  const placed = [];
  for (const key of ['a', 'b', 'c']) placed.push(await writer.append([key], { idempotencyKey: key }));
  const next = other.writer();
  for (const [at, key] of ['a', 'b', 'c'].entries()) {
    expect(await next.append([key], { idempotencyKey: key })).toEqual(placed[at]);
  }
  await expect(next.append(['other'], { idempotencyKey: 'a' })).rejects.toMatchObject({
    code: 'idempotency_key_reused',
  });
  expect(await texts(other)).toEqual(['a', 'b', 'c']);
});

test('a writer in direct mode and one of the API take the log from each other, and no request is in it twice', async () => {
  const path = `/v1/groups/orders/logs/${randomUUID()}`;
  const api = asks(served(endpoint, shared.tables.main, shared.room), path);
  const direct = asks(directly(directClient(endpoint, shared.tables)), path);
  await served(endpoint, shared.tables.main, shared.room)('PUT', path, {});
  const firsts: number[] = [];
  for (let turn = 0; turn < 3; turn += 1) {
    const [owner, rival] = turn % 2 === 0 ? [direct, api] : [api, direct];
    const mine = await owner.elect();
    const key = randomUUID();
    const { body } = await owner.append(mine, [`${turn}`], key);
    firsts.push(body.first);
    const theirs = await rival.elect();
    expect(await owner.append(mine, ['late'])).toMatchObject({ status: 409 });
    expect((await rival.append(theirs, [`${turn}`], key)).body).toEqual(body);
  }
  expect(firsts).toEqual(firsts.toSorted((one, another) => one - another));
  expect((await api.read()).body.items).toHaveLength(3);
});

test("a handler of the API appends nothing for a process's writer, though it knows its name", async () => {
  const path = `/v1/groups/orders/logs/${randomUUID()}`;
  const direct = asks(directly(directClient(endpoint, shared.tables)), path);
  const api = served(endpoint, shared.tables.main, shared.room);
  await api('PUT', path, {});
  const writer = await direct.elect();
  expect(await asks(api, path).append(writer, ['a'])).toMatchObject({ status: 409, body: { code: 'not_elected' } });
  expect(await direct.append(writer, ['b'])).toMatchObject({ status: 201, body: { first: 1 } });
});

test('the process that writes brings back a replica that lost its table', async () => {
  const { tables } = await logsWith(endpoint, 3);
  const client = directClient(endpoint, tables);
  const log = new ReplicatedLog({ client, group: 'orders', log: 'journal' });
  await log.create();
  await log.writer().append(['a', 'b']);
  await wipeTable(endpoint, tables.replicas[0] ?? '');
  const successor = new ReplicatedLog({ client: directClient(endpoint, tables), group: 'orders', log: 'journal' });
  const writer = successor.writer();
  await writer.append(['c']);
  await expect.poll(async () => (await successor.status()).voting, { timeout: 20_000 }).toBe(3);
  await writer.append(['d']);
  await wipeTable(endpoint, tables.replicas[1] ?? '');
  // Of the two that are left one has what it learned after the loss alone.
  expect(await texts(successor)).toEqual(['a', 'b', 'c', 'd']);
});

test('an older term writes nothing any more once the next one was elected', async () => {
  const { tables } = await logsWith(endpoint, 3);
  const term = async (client: TenureClient, contenderId: string) => {
    const { fencingVersion, sessionId } = await client.contend('orders', { contenderId, leaseMs: 60_000 });
    const ended = new AbortController();
    return {
      group: 'orders',
      fencingVersion,
      sessionId,
      signal: ended.signal,
      end: (loss: object) => ended.abort(loss),
    };
  };
  const [one, other] = [1, 2].map(() => directClient(endpoint, tables)) as [TenureClient, TenureClient];
  const logOf = (client: TenureClient) => new ReplicatedLog({ client, group: 'orders', log: 'journal' });
  await logOf(one).create();
  const first = await term(one, 'first');
  const old = logOf(one).writer({ term: first });
  await old.append(['a']);
  await one.resign('orders', first, { stayOut: true });
  const second = await term(other, 'second');
  await logOf(other).writer({ term: second }).append(['b']);
  await expect(old.append(['late'])).rejects.toMatchObject({ name: 'LeadershipLostError' });
  expect(first.signal.aborted).toBe(true);
  expect(await texts(logOf(other))).toEqual(['a', 'b']);
});

test('a table without replicas says what it needs for a log', async () => {
  const client = tableClient({ table: { name: shared.tables.main, dynamodb: localDynamoDb(endpoint) } });
  const log = new ReplicatedLog({ client, group: 'orders', log: 'journal' });
  await expect(log.create()).rejects.toMatchObject({ code: 'not_supported', message: /give replicas/ });
  expect(() => new ReplicatedLog({ group: 'orders', log: 'journal' })).toThrow('needs a client or tables');
});

test('the command line writes and reads a log with TENURE_TABLE and TENURE_REPLICAS', async () => {
  onTestFinished(() => void vi.unstubAllEnvs());
  vi.stubEnv('AWS_ENDPOINT_URL_DYNAMODB', endpoint);
  vi.stubEnv('AWS_ACCESS_KEY_ID', 'local');
  vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'local');
  const { main, replicas } = shared.tables;
  const place = { TENURE_TABLE: main, TENURE_REPLICAS: replicas.join(','), TENURE_REGION: 'us-east-1' };
  const log = randomUUID();
  const tenure = async (argv: string[], input = '') => {
    const { shell, out, err } = recordedShell(place, { input });
    const code = await runCli(['log', ...argv, '--group', 'orders'], shell);
    expect({ code, err: err() }).toEqual({ code: 0, err: '' });
    return out();
  };
  await tenure(['create', log]);
  await tenure(['append', log], 'from the command line\n');
  expect(await tenure(['read', log])).toContain('from the command line');
  expect(JSON.parse(await tenure(['status', log, '--json']))).toMatchObject({ voting: 3, quorum: 2 });
});
