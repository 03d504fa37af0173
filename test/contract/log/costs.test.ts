/** The cost of an append. DynamoDB Local reports half of what AWS charges for transactional writes. */
import { expect, inject, it } from 'vitest';
import { requestIdOf } from '../../../functions/log/dynamodb/sequencer-item.ts';
import { append } from '../../../functions/log/protocol/append.ts';
import { elect } from '../../../functions/log/protocol/coordinator.ts';
import { GroupCommit } from '../../../functions/log/protocol/group-commit.ts';
import { read } from '../../../functions/log/protocol/reader.ts';
import type { Value } from '../../../functions/log/protocol/replica.ts';
import type { Faults, Sent } from '../../support/faults.ts';
import { logsWith } from '../../support/log/tables.ts';
import { vote } from './replica-contract.ts';

const units = ({ sent }: Faults) => sent.reduce((sum, one) => sum + unitsOf(one), 0);
const unitsOf = ({ command, capacity }: Sent) => (command === 'TransactWriteItemsCommand' ? 2 * capacity : capacity);

async function writer() {
  const { room, faults } = await logsWith(inject('dynamodb'), 3);
  await room.create({ group: 'orders', log: 'journal', autoInitialize: true, createdAt: 1 });
  const parts = await room.open('orders', 'journal');
  for (const replica of parts.replicas) await vote(replica);
  const election = await elect(parts, 268_435_455);
  if (!('elected' in election)) throw new Error(JSON.stringify(election));
  const { writerId } = election.elected;
  const memory = { seat: election.elected, settlements: new Map() };
  let requests = 0;
  const send = async (count: number, bytes: number) => {
    requests += 1;
    const requestId = requestIdOf(`${requests}`);
    const values = Array.from({ length: count }, (_, index): Value => {
      return { type: 'APPEND', data: new Uint8Array(bytes).fill(index), requestId, index };
    });
    return append(parts, memory, { writerId, requestId, values });
  };
  const measured = async (count: number, bytes: number) => {
    // The first appends of a writer describe the tables and begin its marks.
    for (let warm = 0; warm < 3; warm += 1) await send(count, bytes);
    const all = [faults.main, ...faults.replicas];
    // The slowest replica's remaining work for them is not counted.
    await new Promise((resolve) => setTimeout(resolve, 200));
    for (const one of all) one.sent.length = 0;
    const answer = await send(count, bytes);
    // The slowest replica may still be under way when the append is answered.
    await expect.poll(() => faults.replicas.every(({ sent }) => sent.length > 0)).toBe(true);
    return { answer, seat: units(faults.main), replicas: faults.replicas.map(units), faults };
  };
  return { send, measured, parts, faults, elected: election.elected };
}

it('appends one entry of 800 bytes for 1 unit of the seat and at most 5 units per replica, in two rounds', async () => {
  const { measured } = await writer();
  const { answer, seat, replicas, faults } = await measured(1, 800);
  expect(answer).toMatchObject({ first: expect.any(Number) });
  expect(seat).toBe(1);
  expect(replicas).toEqual([4, 4, 4]);
  expect(faults.main.sent.map(({ command }) => command)).toEqual(['UpdateItemCommand']);
  for (const { sent } of faults.replicas) {
    expect(sent.map(({ command }) => command)).toEqual(['TransactWriteItemsCommand']);
  }
});

it('appends 50 entries for at most 2.3 units per entry and replica', async () => {
  const { measured } = await writer();
  const { seat, replicas } = await measured(50, 800);
  expect(seat).toBe(1);
  for (const cost of replicas) expect(cost / 50).toBeLessThanOrEqual(2.3);
});

it('reads large entries without fetching many more than it shows', async () => {
  const { send, parts, faults } = await writer();
  for (let batch = 0; batch < 4; batch += 1) await send(16, 128 * 1024);
  for (const { sent } of faults.replicas) sent.length = 0;
  const answer = await read(parts, { from: 1, to: 48, limit: 100, maxBytes: 1024 * 1024 });
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
    const memory = { seat: election.elected, settlements: new Map() };
    for (let entry = 0; entry < 3; entry += 1) {
      const requestId = requestIdOf(`${round} ${entry}`);
      const values: Value[] = [{ type: 'APPEND', data: new Uint8Array(8), requestId, index: 0 }];
      const answer = await append(parts, memory, { writerId: election.elected.writerId, requestId, values });
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
    const requestId = requestIdOf(`turn ${at}`);
    const values: Value[] = [{ type: 'APPEND', data: new Uint8Array(100), requestId, index: 0 }];
    const memory = memories[at % 3] ?? expect.fail('no memory');
    const answer = await append(parts, memory, { writerId: elected.writerId, requestId, values });
    expect(answer).toHaveProperty('first');
    await expect.poll(() => faults.replicas.every(({ sent }) => sent.length > 0)).toBe(true);
    return all.flatMap(({ sent }) => sent);
  };
  for (let at = 0; at < 9; at += 1) await turn(at);
  for (let at = 9; at < 18; at += 1) {
    const sent = await turn(at);
    expect(sent.map(({ command }) => command).filter((command) => /Get|Query|Describe/.test(command))).toEqual([]);
    expect(sent.length).toBeLessThanOrEqual(5);
  }
});

it('lets 16 callers share a round, appends more for them than for one, and knows every outcome', async () => {
  const { parts, elected, faults } = await writer();
  const memory = { seat: undefined, settlements: new Map() };
  const rounds = new GroupCommit();
  let named = 0;
  const one = async () => {
    named += 1;
    const requestId = requestIdOf(`single ${named}`);
    const values: Value[] = [{ type: 'APPEND', data: new Uint8Array(100), requestId, index: 0 }];
    const answer = await rounds.append(parts, memory, { writerId: elected.writerId, requestId, values });
    expect(answer).toHaveProperty('first');
  };
  const rate = async (callers: number, each: number) => {
    const startedAt = performance.now();
    const caller = async () => {
      for (let at = 0; at < each; at += 1) await one();
    };
    await Promise.all(Array.from({ length: callers }, caller));
    return (callers * each) / (performance.now() - startedAt);
  };
  await rate(16, 3);
  const samples: number[] = [];
  for (let sample = 0; sample < 3; sample += 1) {
    const single = await rate(1, 10);
    faults.main.sent.length = 0;
    const many = await rate(16, 10);
    // Each round is one write of the sequencer.
    expect(faults.main.sent.length).toBeLessThanOrEqual(160 / 8);
    samples.push(many / single);
  }
  const [, median] = samples.sort((one, other) => one - other);
  expect(median).toBeGreaterThan(1.5);
});
