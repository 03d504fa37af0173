/** A group is deleted by processes that die at every request, until nothing of it is left but its version. */
import { createHash, randomUUID } from 'node:crypto';
import { QueryCommand } from '@aws-sdk/lib-dynamodb';
import { v7 } from 'uuid';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { collectAll } from '../../../functions/jobs/clean-up/collect-all.ts';
import { prefixOf } from '../../../functions/jobs/clean-up/collector.ts';
import { payloadBucket } from '../../../functions/jobs/payloads/payload-bucket.ts';
import { type Deleting, deleteGroup } from '../../../functions/restore/deletion.ts';
import { DeletionTable } from '../../../functions/restore/deletion-table.ts';
import { contend } from '../../../leadership/contend.ts';
import { groupTable } from '../../../leadership/group-table.ts';
import { groupKey } from '../../../leadership/keys.ts';
import { confirm, resign } from '../../../leadership/leadership.ts';
import { leaseTable } from '../../../leadership/lease-table.ts';
import { CrashedError } from '../../support/faults.ts';
import { seededRandom } from '../../support/seeded-random.ts';
import { type ArchiveWorld, openArchives } from '../backups/archive-world.ts';
import { mortalProcess } from '../backups/mortal-process.ts';
import { randomGroup } from '../backups/random-group.ts';

let archive: ArchiveWorld;
beforeAll(async () => {
  archive = await openArchives();
});
afterAll(() => archive.world.close());

const always = () => 900_000;
const budget = { dryRun: false, budgetMs: 60_000 };
const leadership = () => {
  const { world } = archive;
  return { store: leaseTable(world.other, world.table), clock: world.clock, maxClockSkewMs: 0 };
};
const lead = (group: string) => contend(leadership(), group, { contenderId: 'a', leaseMs: 5_000 }, randomUUID());

/** With its parts bound to a process that may die, or to one that lives. */
function deleting(mortal?: ReturnType<typeof mortalProcess>): Deleting {
  const { world, logs } = archive;
  const { table, bucket, other, s3, clock } = world;
  const client = mortal?.client ?? other;
  return {
    deletions: new DeletionTable(client, table),
    leases: leaseTable(client, table),
    logs: mortal?.process.restores.logs ?? logs,
    payloads: payloadBucket(mortal?.s3 ?? s3, bucket),
    clock,
    maxClockSkewMs: 0,
  };
}

/** The store's items of a group; items that are only keys and a time to live are gone for everybody. */
async function leftOf(group: string) {
  const { world, logs } = archive;
  const found = await world.other.send(
    new QueryCommand({
      TableName: world.table,
      KeyConditionExpression: 'pk = :pk',
      ExpressionAttributeValues: { ':pk': groupKey(group) },
      ConsistentRead: true,
    }),
  );
  const items = (found.Items ?? []).filter((item) => {
    const names = Object.keys(item).filter((name) => !['pk', 'sk', 'gone'].includes(name));
    return !(names.length === 1 && names[0] === 'ttl');
  });
  const payloads = await payloadBucket(world.s3, world.bucket).list(prefixOf(group), undefined);
  return { keys: items.map(({ sk }) => String(sk)), payloads: payloads.items.length, logs: await logs.list(group) };
}

async function grown(seed: number, steps = 25) {
  const { world, logs } = archive;
  const group = `to-delete-${randomUUID()}`;
  const { step } = await randomGroup(world, world.process(), logs, group, seededRandom(seed));
  for (let n = 0; n < steps; n += 1) await step();
  world.clock.ahead += 3_600_000;
  return group;
}

async function versionOf(group: string): Promise<number> {
  return (await leadership().store.read(group, true))?.fencingVersion ?? 0;
}

test('nothing of it stays but the version, above which the next leader of that name begins', async () => {
  const group = await grown(3);
  const before = await versionOf(group);
  expect(before).toBeGreaterThan(0);
  expect((await leftOf(group)).payloads).toBeGreaterThan(0);
  const seen = await deleteGroup(deleting(), group, { ...budget, dryRun: true });
  expect(seen).toMatchObject({ deleted: false });
  expect(seen.jobs).toBeGreaterThan(0);
  expect(await versionOf(group), 'a dry run owns nothing').toBe(before);

  expect(await deleteGroup(deleting(), group, budget)).toMatchObject({ deleted: true, jobs: seen.jobs });
  const left = await leftOf(group);
  expect(left).toMatchObject({ payloads: 0, logs: [] });
  expect(left.keys.filter((key) => !key.startsWith('FLOOR#'))).toEqual([]);
  const { items: groups } = await groupTable(archive.world.other, archive.world.table).listGroups(undefined, 1_000);
  expect(groups).not.toContain(group);

  expect(await deleteGroup(deleting(), group, budget), 'repeated').toMatchObject({ deleted: true, jobs: 0 });
  const next = await lead(group);
  expect(next.fencingVersion).toBeGreaterThan(before);
  expect((await leadership().store.read(group, true))?.fencingVersion).toBe(next.fencingVersion);
});

test('a payload whose URL was signed before the deletion is collected like any orphan', async () => {
  const { world } = archive;
  const group = await grown(17, 6);
  await deleteGroup(deleting(), group, budget);
  const key = `${prefixOf(group)}nightly/${v7({ msecs: world.clock.now() })}`;
  const { room } = world.process();
  await room.payloads.put(key, Buffer.from('late'), createHash('sha256').update('late').digest('hex'));
  expect(await leftOf(group)).toMatchObject({ payloads: 1 });
  await collectAll({ ...room, graceMs: 86_400_000 }, always);
  expect(await leftOf(group), 'within the grace').toMatchObject({ payloads: 1 });
  world.clock.ahead += 90_000_000;
  await collectAll({ ...room, graceMs: 86_400_000 }, always);
  expect(await leftOf(group)).toMatchObject({ payloads: 0 });
});

test('a process that dies at any of its requests leaves a deletion that the next one ends', async () => {
  const group = await grown(5, 12);
  const before = await versionOf(group);
  let deaths = 0;
  for (let nth = 0; nth < 400; nth += 1) {
    const one = mortalProcess(archive, 2 + (nth % 23));
    try {
      const { deleted } = await deleteGroup(deleting(one), group, budget);
      if (deleted) break;
    } catch (error) {
      if (!(error instanceof CrashedError)) throw error;
      deaths += 1;
    } finally {
      one.end();
    }
    const record = await leadership().store.read(group, true);
    if (record?.restoring === undefined) continue;
    expect(record.fencingVersion).toBe(before + 1);
    await expect(lead(group)).rejects.toMatchObject({ code: 'group_restoring' });
  }
  expect(deaths).toBeGreaterThan(5);
  expect(await deleteGroup(deleting(), group, budget)).toMatchObject({ deleted: true });
  const left = await leftOf(group);
  expect(left).toMatchObject({ payloads: 0, logs: [] });
  expect(left.keys.filter((key) => !key.startsWith('FLOOR#'))).toEqual([]);
  expect((await lead(group)).fencingVersion).toBeGreaterThan(before + 1);
});

test('the next request continues where one ran out of time', async () => {
  const group = await grown(7, 8);
  expect(await deleteGroup(deleting(), group, { dryRun: false, budgetMs: 0 })).toMatchObject({ deleted: false });
  await expect(lead(group)).rejects.toMatchObject({ code: 'group_restoring' });
  expect(await deleteGroup(deleting(), group, budget)).toMatchObject({ deleted: true });
});

describe('is refused', () => {
  test('while the group is led, and while a lease that nobody renews is not over', async () => {
    const group = `led-${randomUUID()}`;
    const term = await lead(group);
    await confirm(leadership(), group, term, { address: 'x:1' });
    for (const dryRun of [true, false])
      await expect(deleteGroup(deleting(), group, { ...budget, dryRun })).rejects.toMatchObject({
        code: 'group_in_use',
      });
    expect(await versionOf(group)).toBe(term.fencingVersion);
    await resign(leadership(), group, term, {}, randomUUID());
    expect(await deleteGroup(deleting(), group, budget)).toMatchObject({ deleted: true });
  });

  test('while a backup is in progress; backups that have ended stay', async () => {
    const group = await grown(11, 6);
    const backup = await archive.record(group);
    await expect(deleteGroup(deleting(), group, budget)).rejects.toMatchObject({ code: 'group_in_use' });
    const seen = await archive.store.read(group, backup.backupId);
    if (!seen) throw new Error('no backup');
    await archive.store.settle(seen, { ...backup, state: 'FAILED' });
    expect(await deleteGroup(deleting(), group, budget)).toMatchObject({ deleted: true });
    expect((await archive.store.read(group, backup.backupId))?.record.state).toBe('FAILED');
  });

  test('for a group that never existed', async () => {
    await expect(deleteGroup(deleting(), `none-${randomUUID()}`, budget)).rejects.toMatchObject({ code: 'not_found' });
  });
});

test('a request that was delayed does nothing to a group of the same name', async () => {
  const group = await grown(13, 6);
  const { deletions } = deleting();
  await deleteGroup(deleting(), group, { dryRun: false, budgetMs: 0 });
  const old = (await leadership().store.read(group, true))?.restoring ?? '';
  expect(old).toMatch(/^deletion-/);
  await deleteGroup(deleting(), group, budget);
  const term = await lead(group);
  await confirm(leadership(), group, term, { address: 'x:1' });
  const { items } = await deletions.page(group, undefined);
  expect(items.map(({ sk }) => sk)).toContain(`TERM#${String(term.fencingVersion).padStart(12, '0')}`);
  expect(await deletions.empty(group, old, items, archive.world.clock.now())).toBe(false);
  expect(await deletions.end(group, old, archive.world.clock.now())).toBe(false);
  expect((await deletions.page(group, undefined)).items).toEqual(items);
  expect(await versionOf(group)).toBe(term.fencingVersion);
});
