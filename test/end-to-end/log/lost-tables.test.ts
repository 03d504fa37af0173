/**
 * Replica tables that are deleted under a running log, on a stack of its own: the other tests' logs lie on the shared
 * one.
 */
import { randomUUID } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import { ScanCommand, UpdateCommand } from '@aws-sdk/lib-dynamodb';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { appendEntries } from '../../../api/operations/log.ts';
import { hasCode, ReplicatedLog, TenureClient } from '../../../client/index.ts';
import { type DynamoDbLocal, startDynamoDbLocal } from '../../../emulator/dynamodb/dynamodb.ts';
import { sequencerKey } from '../../../log/dynamodb/keys.ts';
import { openWire, type Wire } from '../../bench/wire.ts';
import { sizes } from '../../sizes.ts';
import { createReplicaTable, deleteTable } from '../../support/log/tables.ts';
import { localDocuments } from '../../support/main-table.ts';
import { fireSchedule, type RunningStack, startStack } from '../../support/stack.ts';
import { asked, eventually } from '../leadership/tenure.ts';
import { texts, whenVoting } from './logs.ts';

let dynamodb: DynamoDbLocal;
let wire: Wire;
let stack: RunningStack;

beforeAll(async () => {
  dynamodb = await startDynamoDbLocal();
  wire = await openWire(dynamodb.endpoint);
  stack = await startStack({ schedules: false, env: { AWS_ENDPOINT_URL_DYNAMODB: wire.endpoint } });
});
afterAll(async () => {
  await stack?.stop();
  await wire?.stop();
  await dynamodb?.stop();
});

const tableOf = (replica: number) => stack.replicaTables[replica - 1] ?? '';
const lose = (replica: number) => deleteTable(dynamodb.endpoint, tableOf(replica));
const bringBackEmpty = (replica: number) => createReplicaTable(dynamodb.endpoint, tableOf(replica));

/** Recoveries wait for seconds between their rounds. */
const soon = (what: string, look: () => boolean | Promise<boolean>) => eventually(what, look, 120_000);

/** The schedule's work of each minute: starts the recovery of the replicas that do not vote. */
const sweep = () => fireSchedule(stack, /minute/);

const recover = (group: string, ...more: string[]) =>
  asked('log', 'recover', 'journal', '--group', group, '--url', stack.api, '--json', ...more);

async function newLog(): Promise<{ group: string; log: ReplicatedLog }> {
  const group = `lost-${randomUUID().slice(0, 8)}`;
  const log = new ReplicatedLog({ client: new TenureClient({ url: stack.api }), group, log: 'journal' });
  await log.create();
  await whenVoting(log, 3);
  return { group, log };
}

/** The items of a log on one replica, without going through the wire: its record, then its slots. */
async function items(group: string, replica: number) {
  const found: Record<string, unknown>[] = [];
  let ExclusiveStartKey: Record<string, unknown> | undefined;
  do {
    const { Items = [], LastEvaluatedKey } = await localDocuments(dynamodb.endpoint).send(
      new ScanCommand({
        TableName: tableOf(replica),
        FilterExpression: 'begins_with(pk, :log)',
        ExpressionAttributeValues: { ':log': `LOG#${group}#journal#` },
        ConsistentRead: true,
        ExclusiveStartKey,
      }),
    );
    found.push(...Items);
    ExclusiveStartKey = LastEvaluatedKey;
  } while (ExclusiveStartKey);
  return found.sort((one, other) => String(one['sk']).localeCompare(String(other['sk'])));
}

/** A replica's content from its floor on: values only, since ballots and marks may differ. */
async function content(group: string, replica: number) {
  const [meta, ...slots] = await items(group, replica);
  const values = slots.map(({ sk, data, z, to, requestId, nop }) => ({ sk, data, z, to, requestId, nop }));
  return values.filter(({ sk }) => Number(String(sk).slice(2)) >= Number(meta?.['floor']));
}

const statusOn = async (group: string, replica: number) => (await items(group, replica))[0]?.['status'];

test('a replica that missed positions which are truncated by now learns the others only', async () => {
  const { group, log } = await newLog();
  const writer = log.writer();
  await writer.append(['seen by all']);
  await lose(3);
  const { positions } = sizes.log;
  for (let at = 0; at < positions; at += 50) {
    await writer.append(Array.from({ length: 50 }, (_, index) => `${at + index}`));
  }
  const { end } = await log.status();
  expect(end).toBeGreaterThan(positions);
  await writer.truncate(end - 49);
  await bringBackEmpty(3);

  const spent = await wire.during(async () => {
    await sweep();
    await soon('replica 3 votes', async () => (await statusOn(group, 3)) === 'VOTING');
  });
  // The sweep looks at all logs; then the slot of 50 entries and the truncation are learned.
  expect(spent.writeUnits).toBeLessThan(150);
  expect(spent.requests).toBeLessThan(100);
  expect((await content(group, 3)).length).toBe(2);
  expect(await content(group, 3)).toEqual(await content(group, 1));
  expect((await items(group, 3)).length).toBeLessThan(6);
  expect((await writer.append(['after'])).first).toBeGreaterThan(end + 1);
});

test('a table is deleted and comes back empty while a writer appends: it continues with the other two, and recovery makes them equal', async () => {
  const { group, log } = await newLog();
  const writer = log.writer();
  const acknowledged = new Map<number, string>();
  let stopped = false;
  const appending = (async () => {
    for (let entry = 1; !stopped; entry += 1) {
      const { first } = await writer.append([`entry ${entry}`]);
      acknowledged.set(first, `entry ${entry}`);
    }
  })();
  const more = async (entries: number) => {
    const wanted = acknowledged.size + entries;
    await soon(`${entries} more entries`, () => acknowledged.size >= wanted);
  };
  await more(5);
  await lose(3);
  await more(10);
  await bringBackEmpty(3);
  await more(5);
  expect(await statusOn(group, 3)).toBeUndefined();
  // Two schedules at once, and an operator: whichever executions run, they do no harm to each other.
  await Promise.all([sweep(), sweep(), recover(group)]);
  await soon('replica 3 votes', async () => (await statusOn(group, 3)) === 'VOTING');
  await more(10);
  stopped = true;
  await appending;
  expect([...(await texts(log))]).toEqual([...acknowledged]);
  expect([...acknowledged.values()]).toEqual([...acknowledged].map((_, at) => `entry ${at + 1}`));
  // A replica that was slow to answer lags until it is caught up; it may still be writing when it is looked at.
  await soon('all of them hold the same', async () => {
    await recover(group);
    const [first, ...others] = await Promise.all([1, 2, 3].map((replica) => content(group, replica)));
    return others.every((other) => isDeepStrictEqual(other, first));
  });
});

test('with two tables gone nothing is acknowledged falsely; after the forced recovery of one the log continues', async () => {
  const { group, log } = await newLog();
  const writer = log.writer();
  const acknowledged = ['one', 'two', 'three'];
  for (const text of acknowledged) await writer.append([text]);
  await soon('replica 1 has all of them', async () => (await log.status()).replicas[0]?.lag === 0);
  const codeOf = (appending: Promise<unknown>) => appending.then(() => 'acknowledged', codeIn);
  const fresh = () => codeOf(log.writer({ deadlineMs: 10_000 }).append(['never there']));

  await Promise.all([lose(2), lose(3)]);
  const idempotencyKey = randomUUID();
  const request = {
    params: { group, log: 'journal' },
    headers: { 'Log-Writer': writer.elected?.writerId ?? '' },
    body: { entries: [Buffer.from('perhaps').toString('base64')] },
    retry: false,
    idempotencyKey,
  };
  expect(await codeOf(new TenureClient({ url: stack.api }).call(appendEntries, request))).toBe('outcome_unknown');
  expect(await fresh()).toBe('log_not_recovered');
  await Promise.all([bringBackEmpty(2), bringBackEmpty(3)]);
  await sweep();
  await soon('their recovery has begun', async () => (await statusOn(group, 3)) === 'EMPTY');
  expect(await fresh()).toBe('log_not_recovered');
  expect((await log.status()).replicas.map(({ status }) => status)).toEqual(['VOTING', 'EMPTY', 'EMPTY']);

  // A recovery that is cancelled leaves the replica as it is, until the next one begins.
  const cancelled = JSON.parse((await recover(group, '--replica', '3', '--cancel')).output);
  expect(cancelled).toEqual([{ replica: '3', status: 'EMPTY', executionIds: [expect.any(String)] }]);
  expect(JSON.parse((await recover(group, '--replica', '3', '--cancel')).output)[0].executionIds).toEqual([]);
  expect(await recover(group, '--replica', '2', '--force')).toMatchObject({ code: 0 });
  await whenVoting(log, 2);
  // A round that was under way when it was cancelled still ends, and may have found the two of them; nothing follows on
  // it.
  expect(['EMPTY', 'RECOVERING']).toContain(await statusOn(group, 3));
  await sweep();
  await whenVoting(log, 3);
  const again = log.writer();
  const { first } = await again.append(['perhaps'], { idempotencyKey });
  await again.append(['after']);
  const found = await texts(log);
  expect([...found.values()]).toEqual([...acknowledged, 'perhaps', 'after']);
  expect(found.get(first)).toBe('perhaps');
  expect(await content(group, 2)).toEqual(await content(group, 1));
});

test('with all tables gone the log begins anew above what was handed out, and positions past 9,999,999,999 keep their order', async () => {
  const { group, log } = await newLog();
  const before = await log.writer().append(['lost']);
  await Promise.all([1, 2, 3].map(lose));
  await Promise.all([1, 2, 3].map(bringBackEmpty));
  const far = 9_999_999_990;
  await localDocuments(dynamodb.endpoint).send(
    new UpdateCommand({
      TableName: stack.table,
      Key: sequencerKey(group, 'journal'),
      UpdateExpression: 'SET #next = :far',
      ConditionExpression: '#next = :next',
      ExpressionAttributeNames: { '#next': 'next' },
      ExpressionAttributeValues: { ':far': far, ':next': before.last + 1 },
    }),
  );
  const init = (...more: string[]) => asked('log', 'init', 'journal', '--group', group, '--url', stack.api, ...more);
  const refused = await init();
  expect(refused.output).toContain('the log had a writer');
  expect(refused.code).toBe(1);
  expect(await init('--force')).toMatchObject({ code: 0 });
  await whenVoting(log, 3);

  const writer = log.writer();
  for (let batch = 0; batch < 4; batch += 1) {
    await writer.append(Array.from({ length: 5 }, (_, at) => `${batch * 5 + at}`));
  }
  const expected = Array.from({ length: 20 }, (_, at): [number, string] => [far + 1 + at, `${at}`]);
  expect([...(await texts(log))]).toEqual(expected);
  expect((await log.status()).end).toBe(far + 20);
  const [, ...stored] = await items(group, 1);
  const slots = [far, far + 1, far + 6, far + 11, far + 16];
  expect(stored.map(({ sk }) => Number(String(sk).slice(2)))).toEqual(slots);

  await writer.truncate(far + 12);
  expect([...(await texts(log)).keys()]).toEqual(expected.slice(11).map(([position]) => position));
  const across = await codeIn(await texts(log, far + 5).catch((error: unknown) => error));
  expect(across).toBe('truncated');
});

function codeIn(error: unknown): string {
  if (hasCode(error, 'outcome_unknown', 'log_not_recovered', 'truncated')) return error.code;
  throw error;
}
