/** The notes that a recovery leaves for operators. */
import { randomUUID } from 'node:crypto';
import { expect, inject, test } from 'vitest';
import { recoveryProgressTable } from '../../../log/dynamodb/recovery-progress-table.ts';
import { createMainTable, localDocuments } from '../../support/main-table.ts';

const group = 'orders';

async function notes() {
  const table = await createMainTable(inject('dynamodb'));
  let now = 1_000_000;
  const progress = recoveryProgressTable(localDocuments(inject('dynamodb')), table, () => now);
  const log = randomUUID();
  const pass = (ms: number) => {
    now += ms;
  };
  return { progress, pass, log, replica: { group, log, replica: '2' } };
}

test('say why it waits, then how far it is and how fast, over all of its ranges', async () => {
  const { progress, pass, log, replica } = await notes();
  expect(await progress.read({ group, log })).toEqual(new Map());
  await progress.waits(replica, 'no quorum');
  pass(5_000);
  const waits = { startedAt: 1_000_000, updatedAt: 1_000_000, reason: 'no quorum' };
  expect(await progress.read({ group, log })).toEqual(new Map([['2', waits]]));
  await progress.begins(replica, [
    { from: 0, to: 499, fillTo: 999 },
    { from: 500, to: 999, fillTo: 999 },
  ]);
  pass(2_000);
  await progress.learns(replica, { from: 256, to: 499 });
  await progress.learns(replica, { from: 644, to: 999 });
  // A slice of an older plan.
  await progress.learns(replica, { from: 7, to: 77 });
  const caughtUp = { done: 400, of: 1_000, perSecond: 200 };
  const noted = { startedAt: 1_000_000, updatedAt: 1_007_000, reason: undefined, caughtUp };
  expect((await progress.read({ group, log })).get('2')).toEqual(noted);
});

test('end with the recovery, once, and are those of one replica of one log', async () => {
  const { progress, log, replica } = await notes();
  await progress.begins(replica, [{ from: 0, to: 9, fillTo: 9 }]);
  await progress.waits({ ...replica, replica: '3' }, 'no quorum');
  await progress.waits({ ...replica, log: `${log}2` }, 'no quorum');
  expect(await progress.ends(replica)).toMatchObject({ startedAt: 1_000_000 });
  expect(await progress.ends(replica)).toBeUndefined();
  expect([...(await progress.read({ group, log })).keys()]).toEqual(['3']);
});
