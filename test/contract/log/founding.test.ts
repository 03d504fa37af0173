/** The request that creates a log: what it leaves to the recoveries, and what it costs. */
import { randomUUID } from 'node:crypto';
import { expect, inject, test } from 'vitest';
import type { RecoveryStart } from '../../../log/recovery-workflow.ts';
import { asks, served } from '../../support/log/served.ts';
import { logsWith, wipeTable } from '../../support/log/tables.ts';

async function service() {
  const { room, faults, tables } = await logsWith(inject('dynamodb'), 3);
  const started: RecoveryStart[] = [];
  return { call: served(inject('dynamodb'), tables.main, room, started), faults, tables, started };
}

test('a fresh log takes entries at once, and nothing is started for it, however often it is put', async () => {
  const { call, started } = await service();
  const path = `/v1/groups/orders/logs/${randomUUID()}`;
  const puts = await Promise.all([1, 2].map(() => call('PUT', path, {})));
  expect(puts.map(({ status }) => status).toSorted()).toEqual([200, 201]);
  expect((await call('PUT', path, {})).status).toBe(200);
  const { elect, append, status } = asks(call, path);
  await expect.poll(async () => (await status()).body.voting).toBe(3);
  expect(await append(await elect(), ['a'])).toMatchObject({ status: 201, body: { first: 1 } });
  // Two that found it at the same time may each leave a replica to its recovery.
  expect(started.length).toBeLessThanOrEqual(2);
});

test('one put starts one execution at the most, for a replica that lost its table', async () => {
  const { call, started, tables } = await service();
  const path = `/v1/groups/orders/logs/${randomUUID()}`;
  await call('PUT', path, {});
  expect(started).toEqual([]);
  const { elect, append } = asks(call, path);
  await append(await elect(), ['a']);
  for (const table of tables.replicas.slice(0, 1)) await wipeTable(inject('dynamodb'), table);
  expect((await call('PUT', path, {})).status).toBe(200);
  expect(started).toMatchObject([{ replica: '1', force: false, plan: null }]);
});

test('a page of one log costs one item and a look at its replicas, however many logs there are', async () => {
  const { call, faults } = await service();
  const group = `many-${randomUUID()}`;
  const all = [faults.main, ...faults.replicas];
  const page = async () => {
    for (const one of all) one.sent.length = 0;
    const { body } = await call('GET', `/v1/groups/${group}/logs?limit=1`);
    expect(body.items).toHaveLength(1);
    const sent = all.flatMap((one) => one.sent).filter(({ command }) => command !== 'DescribeTableCommand');
    return { requests: sent.length, units: sent.reduce((sum, { capacity }) => sum + capacity, 0) };
  };
  await call('PUT', `/v1/groups/${group}/logs/log-0`, {});
  const alone = await page();
  for (let log = 1; log < 20; log += 1) await call('PUT', `/v1/groups/${group}/logs/log-${log}`, {});
  expect(await page()).toEqual(alone);
  expect(alone.requests).toBe(4);
});
