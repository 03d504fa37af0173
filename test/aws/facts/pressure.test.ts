import { expect, test } from 'vitest';
import { client, countEntries, foundedLog, led, newGroup, onAws } from '../stage.ts';

test('renewals and confirmations of one term at the same time all end well', async () => {
  const group = newGroup();
  const fence = await led(group);
  // Each confirmation is a transaction on the item that the renewals update: TransactionConflict, which is retried.
  const calls = Array.from({ length: onAws ? 40 : 8 }, (_, at) =>
    at % 4 === 0
      ? client().confirm(group, fence, { address: `here:${at}` })
      : client().renew(group, fence, { leaseMs: 600_000 }),
  );
  const failed = (await Promise.allSettled(calls)).filter(({ status }) => status === 'rejected');
  expect(failed).toEqual([]);
  expect(await client().observe(group, { consistent: true })).toMatchObject({ fencingVersion: fence.fencingVersion });
});

test('a log takes more than 1,000 write units a second, and loses nothing', async () => {
  const group = newGroup();
  const { log, writer } = await foundedLog(group, await led(group));
  // An entry of 800 bytes is 2.6 write units: 24,000 of them in less than a minute are above 1,000 a second, which is
  // all that DynamoDB promises of one partition.
  const [batches, size, callers] = onAws ? [240, 100, 4] : [4, 10, 2];
  const startedAt = Date.now();
  for (let round = 0; round < batches; round += callers) {
    const entries = Array.from({ length: size }, (_, at) => `${round}-${at}`.padEnd(800, '.'));
    await Promise.all(Array.from({ length: callers }, () => writer.append(entries)));
  }
  const seconds = (Date.now() - startedAt) / 1_000;
  const unitsPerSecond = Math.round((batches * size * 2.6) / seconds);
  console.log(`${batches * size} entries of 800 bytes in ${seconds} s: ${unitsPerSecond} write units a second`);
  if (onAws) expect(unitsPerSecond).toBeGreaterThan(1_000);
  expect(await countEntries(log)).toBe(batches * size);
});
