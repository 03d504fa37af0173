/** The cost of an append. DynamoDB Local reports half of what AWS charges for transactional writes. */
import { expect, inject, it } from 'vitest';
import { requestIdOf } from '../../../functions/log/dynamodb/sequencer-item.ts';
import { append } from '../../../functions/log/protocol/append.ts';
import { elect } from '../../../functions/log/protocol/coordinator.ts';
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
  return { send, measured, parts, faults };
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
