/** Every step of a backup's life by the library's classes, against the running stack. */
import { expect, test } from 'vitest';
import { registerWorker } from '../../../api/operations/workers.ts';
import { BackupPolicies } from '../../../client/backups/backup-policies.ts';
import { Backups } from '../../../client/backups/backups.ts';
import { Restores } from '../../../client/backups/restores.ts';
import { Operator } from '../../../client/operator.ts';
import { client, folder, ledGroup, newGroup } from '../leadership/tenure.ts';

async function collected<Item>(items: AsyncIterable<Item>): Promise<Item[]> {
  const all: Item[] = [];
  for await (const item of items) all.push(item);
  return all;
}

test('a backup is planned, taken, followed, listed, verified, shared, downloaded, restored and deleted', async () => {
  const group = await ledGroup();
  const target = newGroup();
  const backups = new Backups({ client: client(), group });
  expect(await backups.plan({ bypassDelegation: true })).toMatchObject({ explain: true });
  const { backupId } = await backups.take({ bypassDelegation: true });
  const done = await backups.wait(backupId, { everyMs: 100 });
  expect(done).toMatchObject({ backupId, group, state: 'COMPLETED' });
  expect((await collected(backups.list())).map((one) => one.backupId)).toEqual([backupId]);
  expect(await backups.verify(backupId)).toMatchObject({ backupId, group });
  await expect(backups.cancel(backupId)).rejects.toMatchObject({ code: 'backup_final' });

  const restores = new Restores({ client: client(), group: target });
  await expect(restores.start({ backupId })).rejects.toMatchObject({ code: 'source_forbidden' });
  expect(await backups.share(backupId, target)).toEqual([target]);
  expect(await backups.unshare(backupId, target)).toEqual([]);
  await backups.share(backupId, target);
  const { restoreId } = await restores.start({ backupId });
  const restored = await restores.wait(restoreId, { everyMs: 100 });
  expect(restored).toMatchObject({ state: 'COMPLETED', restoredEntries: restored.entryCount });
  await expect(restores.abandon(restoreId)).rejects.toMatchObject({ code: 'restore_completed' });

  const disk = folder();
  await backups.download(backupId, disk);
  const fromDisk = new Restores({ client: client(), group: newGroup() });
  const again = await fromDisk.start({ folder: disk });
  expect(await fromDisk.wait(again.restoreId, { everyMs: 100 })).toMatchObject({ state: 'COMPLETED' });

  await backups.delete(backupId);
  expect(await collected(backups.list())).toEqual([]);
});

test('a policy is set, read and removed', async () => {
  const policies = new BackupPolicies({ client: client(), group: await ledGroup() });
  expect(await policies.get()).toBeUndefined();
  await policies.set({ dailyAt: '02:30', retain: 7 });
  expect(await policies.get()).toEqual({ dailyAt: '02:30', retain: 7, misfire: 'skip' });
  await policies.remove();
  expect(await policies.get()).toBeUndefined();
});

test('an operator sees groups, terms and workers, hands over and revokes', async () => {
  const group = newGroup();
  const operator = new Operator({ client: client() });
  const term = await client().contend(group, { contenderId: 'a', leaseMs: 60_000 });
  await client().confirm(group, term, { address: 'here' });
  expect((await collected(operator.groups())).map((one) => one.group)).toContain(group);
  expect(await collected(operator.terms(group))).toMatchObject([{ contenderId: 'a', fencingVersion: 1 }]);
  expect(await collected(operator.workers(group))).toEqual([]);
  await client().call(registerWorker, { params: { group, worker: 'w' }, body: { host: 'h' } });
  expect(await collected(operator.workers(group))).toMatchObject([{ worker: 'w' }]);
  expect(await operator.handOver(group, { fencingVersion: 1 })).toEqual({ contenderId: 'a', asked: true });
  const revoked = await operator.revoke(group, { fencingVersion: 1, reason: 'a test' });
  expect(revoked).toMatchObject({ revoked: true, contenderId: 'a' });
  expect((await operator.replicaTables(group)).length).toBeGreaterThan(0);
});
