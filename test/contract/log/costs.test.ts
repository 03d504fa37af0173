/**
 * The cost of appends and reads, by AWS's rule. DynamoDB Local reports one item's units for a whole transaction, so
 * none may be among what is counted here, and nothing for a write that its condition refused, which costs what it costs
 * else.
 */
import { randomBytes, randomUUID } from 'node:crypto';
import { marshall } from '@aws-sdk/util-dynamodb';
import { expect, inject, it } from 'vitest';
import { counted } from '../../../infra/counted-units.ts';
import { namesOf } from '../../../log/dynamodb/sequencer-item.ts';
import { append } from '../../../log/protocol/append.ts';
import { elect } from '../../../log/protocol/coordinator.ts';
import { GroupCommit } from '../../../log/protocol/group-commit.ts';
import type { LogParts } from '../../../log/protocol/log.ts';
import type { Content } from '../../../log/protocol/placement.ts';
import { type ReadAnswer, read as readLog } from '../../../log/protocol/reader.ts';
import { itemBytes, writeUnits } from '../../support/capacity.ts';
import type { Faults, Sent } from '../../support/faults.ts';
import { vote } from '../../support/log/replica-requests.ts';
import { logsWith } from '../../support/log/tables.ts';

const units = ({ sent }: Faults) => sent.reduce((sum, one) => sum + unitsOf(one), 0);

function unitsOf({ command, capacity, input, refused }: Sent): number {
  expect(command).not.toBe('TransactWriteItemsCommand');
  if (command !== 'PutItemCommand') return refused ? Math.max(1, capacity) : capacity;
  const item = input['Item'] as Record<string, unknown>;
  return writeUnits(itemBytes((isMarshalled(item) ? item : marshall(item)) as Parameters<typeof itemBytes>[0]));
}

/** A request's shape depends on the layers of the client that it has passed. */
const isMarshalled = (item: Record<string, unknown>) => typeof item['pk'] === 'object';

const heads = ({ replicas }: LogParts) => Promise.all(replicas.map((replica) => replica.read()));

const contentOf = (count: number, bytes: number): Content => ({
  type: 'APPEND',
  // Nothing that could be packed more closely.
  entries: Array.from({ length: count }, () => randomBytes(bytes)),
});

async function writer() {
  const { room, faults } = await logsWith(inject('dynamodb'), 3);
  await room.create({ group: 'orders', log: 'journal', autoInitialize: true, createdAt: 1 });
  const parts = await room.open('orders', 'journal');
  for (const replica of parts.replicas) await vote(replica);
  const election = await elect(parts, 268_435_455);
  if (!('elected' in election)) throw new Error(JSON.stringify(election));
  /** Waits for the slowest replica, whose work for an earlier request is not counted. */
  const evened = () =>
    expect
      .poll(async () => {
        const metas = await Promise.all(parts.replicas.map((replica) => replica.read()));
        return new Set(metas.map(({ promised, end }) => `${promised} to ${end}`)).size;
      })
      .toBe(1);
  await evened();
  const { writerId } = election.elected;
  const memory = { writer: election.elected, settlements: new Map() };
  let requests = 0;
  const send = async (count: number, bytes: number) => {
    requests += 1;
    const requestId = namesOf(`${requests}`).requestId;
    return append(parts, memory, { writerId, requestId, content: contentOf(count, bytes) });
  };
  const measured = async (count: number, bytes: number) => {
    // The first appends of a writer describe the tables and begin its marks.
    for (let warm = 0; warm < 3; warm += 1) await send(count, bytes);
    const all = [faults.main, ...faults.replicas];
    await evened();
    for (const one of all) one.sent.length = 0;
    const answer = await send(count, bytes);
    // The slowest replica may still be under way when the append is answered.
    await expect.poll(() => faults.replicas.every(({ sent }) => sent.length > 1)).toBe(true);
    return { answer, sequencer: units(faults.main), replicas: faults.replicas.map(units), faults };
  };
  return { send, measured, parts, faults, elected: election.elected };
}

it.each([
  { count: 1, bytes: 800, most: counted.appendAlone.writeUnits },
  { count: 50, bytes: 800, most: counted.appendFifty.writeUnits },
  { count: 50, bytes: 100, most: 22 },
])('appends $count entries of $bytes bytes for at most $most units on three replicas', async (given) => {
  const { measured } = await writer();
  const { answer, sequencer, replicas, faults } = await measured(given.count, given.bytes);
  expect(answer).toMatchObject({ first: expect.any(Number) });
  expect(sequencer).toBe(1);
  expect(sequencer + replicas.reduce((sum, one) => sum + one, 0)).toBeLessThanOrEqual(given.most);
  expect(faults.main.sent.map(({ command }) => command)).toEqual(['UpdateItemCommand']);
  for (const { sent } of faults.replicas) {
    expect(sent.map(({ command, refused }) => [command, refused])).toEqual([
      ['PutItemCommand', undefined],
      ['UpdateItemCommand', undefined],
    ]);
  }
});

it('appends the first entry of a writer for the same', async () => {
  const { send, faults } = await writer();
  for (const one of [faults.main, ...faults.replicas]) one.sent.length = 0;
  expect(await send(1, 800)).toMatchObject({ first: 1 });
  await expect.poll(() => faults.replicas.every(({ sent }) => sent.length > 1)).toBe(true);
  expect(faults.replicas.map(units)).toEqual([2, 2, 2]);
});

/** Of 100 bytes, as programs write them: names and a form that repeat, ids and amounts that do not. */
function eventText(at: number): Uint8Array {
  const event = { id: randomUUID(), order: 40_000 + at, cents: Math.floor(Math.random() * 1e5), at: Date.now() };
  return Buffer.from(JSON.stringify(event).padEnd(100, ' '));
}

it.each([
  // Read one by one, each position consistently, the same entries cost 986 units.
  { what: 'events in JSON', make: eventText, most: 98 },
  // 1,000,000 bytes are 123 units where an older sight is enough.
  { what: 'random bytes', make: () => randomBytes(100), most: 180 },
])('reads 10,000 entries of 100 bytes for at most $most units: $what', async ({ make, most }) => {
  const { parts, faults, elected } = await writer();
  const memory = { writer: elected, settlements: new Map() };
  for (let batch = 0; batch < 160; batch += 1) {
    const entries = Array.from({ length: 64 }, (_, at) => make(64 * batch + at));
    const request = { writerId: elected.writerId, requestId: namesOf(`batch ${batch}`).requestId };
    expect(await append(parts, memory, { ...request, content: { type: 'APPEND', entries } })).toHaveProperty('first');
  }
  for (const { sent } of faults.replicas) sent.length = 0;
  // No second replica is asked because this machine is slow.
  const patient = { ...parts, settings: { ...parts.settings, graceMs: parts.settings.answerMs } };
  let read = 0;
  let from: number | undefined = 1;
  while (from !== undefined && read < 10_000) {
    const answer: ReadAnswer = await readLog(patient, { from, to: 10_000, limit: 1_000, maxBytes: 3 * 1024 ** 2 });
    if (!('items' in answer)) throw new Error(JSON.stringify(answer));
    read += answer.items.length;
    from = answer.nextFrom;
  }
  expect(read).toBe(10_000);
  const spent = faults.replicas.flatMap(({ sent }) => sent).reduce((sum, { capacity }) => sum + capacity, 0);
  expect(spent).toBeLessThanOrEqual(most);
});

it('reads large entries without fetching many more than it shows', async () => {
  const { send, parts, faults } = await writer();
  for (let batch = 0; batch < 32; batch += 1) await send(2, 128 * 1024);
  for (const { sent } of faults.replicas) sent.length = 0;
  const answer = await readLog(parts, { from: 1, to: 48, limit: 100, maxBytes: 1024 * 1024 });
  expect('items' in answer && answer.items).toHaveLength(8);
  // A unit is 4 KiB of what was read; each of the queries ends with the page that brings it to 2 MiB.
  for (const { sent } of faults.replicas) {
    const queries = sent.filter(({ command }) => command === 'QueryCommand');
    expect(queries.reduce((sum, { capacity }) => sum + capacity, 0)).toBeLessThan(3 * 256);
  }
});

it('keeps the record of a replica below 1 KB through many writers', async () => {
  const { parts, send } = await writer();
  await send(1, 10);
  for (let round = 0; round < 8; round += 1) {
    const election = await elect(parts, 268_435_455);
    if (!('elected' in election)) throw new Error(JSON.stringify(election));
    const memory = { writer: election.elected, settlements: new Map() };
    for (let entry = 0; entry < 3; entry += 1) {
      const requestId = namesOf(`${round} ${entry}`).requestId;
      const content = contentOf(1, 8);
      const answer = await append(parts, memory, { writerId: election.elected.writerId, requestId, content });
      expect(answer).toHaveProperty('first');
    }
  }
  const metas = await Promise.all(parts.replicas.map((replica) => replica.read()));
  for (const meta of metas) {
    expect(Object.keys(meta.learnedTo).length).toBeLessThanOrEqual(4);
    expect(JSON.stringify(meta).length + 'LOG#orders#journal META revision 1234567'.length).toBeLessThan(1_000);
  }
});

it('costs instances that append in turn no reads, and no more than one request above the floor', async () => {
  const { parts, faults, elected } = await writer();
  const memories = [1, 2, 3].map(() => ({ settlements: new Map() }));
  const all = [faults.main, ...faults.replicas];
  const turn = async (at: number) => {
    for (const one of all) one.sent.length = 0;
    const requestId = namesOf(`turn ${at}`).requestId;
    const content = contentOf(1, 100);
    const memory = memories[at % 3] ?? expect.fail('no memory');
    const answer = await append(parts, memory, { writerId: elected.writerId, requestId, content });
    expect(answer).toHaveProperty('first');
    await expect.poll(() => faults.replicas.every(({ sent }) => sent.length > 1)).toBe(true);
    return all.flatMap(({ sent }) => sent);
  };
  for (let at = 0; at < 9; at += 1) await turn(at);
  for (let at = 9; at < 18; at += 1) {
    const sent = await turn(at);
    expect(sent.map(({ command }) => command).filter((command) => /Get|Query|Describe/.test(command))).toEqual([]);
    expect(sent.length).toBeLessThanOrEqual(1 + 1 + 3 * 2);
  }
});

it('lets 16 callers share a round: an eighth of the rounds of one caller at the most, every outcome known', async () => {
  const { parts, elected, faults } = await writer();
  const memory = { writer: undefined, settlements: new Map() };
  const rounds = new GroupCommit();
  let named = 0;
  const one = async () => {
    named += 1;
    const requestId = namesOf(`single ${named}`).requestId;
    const content = contentOf(1, 100);
    const answer = await rounds.append(parts, memory, { writerId: elected.writerId, requestId, content });
    expect(answer).toHaveProperty('first');
  };
  /** Requests to each store for one acknowledged entry. */
  const spent = async (callers: number, each: number) => {
    await expect.poll(async () => new Set((await heads(parts)).map(({ end }) => end)).size).toBe(1);
    const stores = [faults.main, ...faults.replicas];
    for (const store of stores) store.sent.length = 0;
    const caller = async () => {
      for (let at = 0; at < each; at += 1) await one();
    };
    await Promise.all(Array.from({ length: callers }, caller));
    await expect.poll(async () => new Set((await heads(parts)).map(({ end }) => end)).size).toBe(1);
    const writes = ({ sent }: Faults) => sent.filter(({ command }) => /Put|Update/.test(command)).length;
    return stores.map((store) => writes(store) / (callers * each));
  };
  await spent(1, 3);
  // A place, then on each replica the slot and its acceptance.
  expect(await spent(1, 10)).toEqual([1, 2, 2, 2]);
  for (const [store, requests] of (await spent(16, 10)).entries()) {
    expect(requests).toBeLessThanOrEqual((store === 0 ? 1 : 2) / 8);
  }
});
