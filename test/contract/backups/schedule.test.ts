import { describe, expect, test } from 'vitest';
import type { BackupRecord, Failure } from '../../../functions/backups/backup.ts';
import type { BackupName } from '../../../functions/backups/backup-store.ts';
import { endBackup, updateBackup } from '../../../functions/backups/records.ts';
import { begin } from '../../../functions/backups/requests.ts';
import type { Policy } from '../../../functions/backups/schedule/policy.ts';
import { policyRoutes } from '../../../functions/backups/schedule/policy-routes.ts';
import { policyTable } from '../../../functions/backups/schedule/policy-table.ts';
import { policiesAtOnce, tick } from '../../../functions/backups/schedule/schedule.ts';
import { OutOfTimeError } from '../../../functions/backups/worker/built-in-worker.ts';
import { serve } from '../../../functions/platform/http.ts';
import { requestKeysTable } from '../../../functions/platform/request-keys-table.ts';
import { plainOptions } from '../../support/backups/begun-backup.ts';
import { group, openBackups } from './world.ts';

const hour = 3_600_000;

async function openSchedule(policy: Policy) {
  const world = await openBackups();
  const policies = policyTable(world.client, world.table);
  const room = { ...world.room, policies };
  const app = serve(policyRoutes(room));
  const call = async (method: string, body?: object) => {
    const response = await app.request(`/v1/groups/${group}/backup-policy`, {
      method,
      ...(body ? { body: JSON.stringify(body) } : {}),
    });
    return { status: response.status, body: await response.json() };
  };
  world.clock.time = Math.floor(world.clock.time / hour) * hour;
  expect(await call('PUT', policy)).toMatchObject({ status: 200, body: policy });
  return {
    ...world,
    policies,
    call,
    room,
    tick: (remainingMs = () => 55_000, beforeRetention?: () => Promise<void>) =>
      tick(room, remainingMs, beforeRetention),
    ended: (backupId: string, outcome: 'COMPLETED' | { code: string; message: string } = 'COMPLETED') =>
      endAs(room, { group, backupId }, outcome),
    async all(): Promise<BackupRecord[]> {
      const { items } = await room.store.list(group, undefined, 100);
      return items.map(({ record }) => record).sort((one, other) => one.startedAt - other.startedAt);
    },
  };
}

/** Only what is being verified completes. */
async function endAs(room: Parameters<typeof endBackup>[0], name: BackupName, outcome: Failure | 'COMPLETED') {
  if (outcome === 'COMPLETED') await updateBackup(room, name, (record) => ({ ...record, state: 'VERIFYING' }));
  return endBackup(room, name, outcome);
}

const hourly: Policy = { everyMs: hour, retain: 2, misfire: 'skip' };

describe('a backup policy', () => {
  test('starts one backup for each slot, however many ticks see it at once', async () => {
    const world = await openSchedule(hourly);
    expect(await world.tick()).toMatchObject({ started: 0 });
    world.clock.time += hour;
    await Promise.all([world.tick(), world.tick(), world.tick()]);
    const [backup, ...more] = await world.all();
    expect(more).toEqual([]);
    expect(backup).toMatchObject({ slot: world.clock.time, options: { allowLeader: true } });
    expect(new Set(world.workflow.started)).toEqual(new Set([backup?.backupId]));
    expect(await world.tick()).toMatchObject({ started: 0, failed: 0 });
  });

  test('notes the slot after the backup: a tick that dies in between starts no second one', async () => {
    const world = await openSchedule(hourly);
    world.clock.time += hour;
    world.faults.plan = (_command, input) => {
      const { UpdateExpression } = input as { UpdateExpression?: string };
      return UpdateExpression === 'SET #doneUntil = :v0' ? 'request lost' : undefined;
    };
    expect(await world.tick()).toMatchObject({ failed: 1 });
    world.faults.plan = () => undefined;
    const [backup] = await world.all();
    await world.ended(backup?.backupId ?? '');
    expect(await world.tick()).toMatchObject({ failed: 0 });
    expect(await world.all()).toHaveLength(1);
    expect((await world.policies.read(group))?.doneUntil).toBe(world.clock.time);
  });

  test.each([
    ['skip' as const, 0],
    ['catch-up' as const, 1],
  ])('that misfired is dealt with by %s', async (misfire, backups) => {
    const world = await openSchedule({ ...hourly, misfire });
    world.clock.time += 5 * hour + 20 * 60_000;
    await world.tick();
    await world.tick();
    expect(await world.all()).toHaveLength(backups);
    world.clock.time -= 3 * hour;
    await world.tick();
    expect(await world.all()).toHaveLength(backups);
    for (const { backupId } of await world.all()) await world.ended(backupId);
    world.clock.time += 3 * hour + 40 * 60_000;
    await world.tick();
    expect(await world.all()).toHaveLength(backups + 1);
  });

  test('waits while another backup runs, and takes its slot as soon as that has ended', async () => {
    const world = await openSchedule(hourly);
    const { backupId } = await world.begin({ allowLeader: true });
    world.clock.time += hour;
    expect(await world.tick()).toMatchObject({ started: 0, failed: 0 });
    await world.ended(backupId);
    world.clock.time += 60_000;
    expect(await world.tick()).toMatchObject({ started: 1 });
  });

  test('keeps exactly the newest completed ones; those that failed or run do not count', async () => {
    const world = await openSchedule(hourly);
    for (let slot = 1; slot <= 6; slot += 1) {
      world.clock.time += hour;
      await world.tick();
      const newest = (await world.all()).at(-1);
      await world.ended(newest?.backupId ?? '', slot === 4 ? { code: 'internal', message: 'lost' } : 'COMPLETED');
    }
    world.clock.time += hour;
    await world.tick();
    const states = (await world.all()).map(({ state }) => state);
    expect(states).toEqual(['COMPLETED', 'COMPLETED', 'INITIATING']);
    expect(world.played.discarded).toHaveLength(4);
  });

  test('is shown, refused when it contradicts itself, and ends with its deletion', async () => {
    const world = await openSchedule(hourly);
    expect(await world.call('GET')).toEqual({ status: 200, body: hourly });
    const refused = [
      { ...hourly, dailyAt: '02:00' },
      { retain: 1 },
      { dailyAt: '24:00', retain: 1 },
      { ...hourly, retain: 0 },
    ];
    for (const policy of refused) {
      expect(await world.call('PUT', policy)).toMatchObject({ status: 400, body: { code: 'invalid_request' } });
    }
    expect(await world.call('GET')).toEqual({ status: 200, body: hourly });
    expect(await world.call('DELETE')).toMatchObject({ status: 200 });
    expect(await world.call('DELETE')).toMatchObject({ status: 200 });
    expect(await world.call('GET')).toMatchObject({ status: 404, body: { code: 'not_found' } });
    world.clock.time += hour;
    expect(await world.tick()).toEqual({ started: 0, skipped: 0, deleted: 0, failed: 0 });
    expect(await world.all()).toEqual([]);
  });
});

describe('the policies of many groups', () => {
  /** Each with a backup more than it retains. */
  async function withSurplus(...groups: string[]) {
    const world = await openSchedule(hourly);
    const { room, policies } = world;
    await policies.remove(group);
    for (const one of groups) {
      await policies.put({ group: one, policy: { ...hourly, retain: 1 }, doneUntil: world.clock.time });
      for (const requestId of ['older', 'newer']) {
        world.clock.time += 1_000;
        const { backupId } = await begin(room, { group: one, options, requestId });
        await endAs(room, { group: one, backupId }, 'COMPLETED');
      }
    }
    return { ...world, backupsOf: async (one: string) => (await room.store.list(one, undefined, 100)).items.length };
  }
  const options = { ...plainOptions, bypassDelegation: true };

  test('are all followed before anything is deleted, and each holds up no other', async () => {
    const groups = Array.from({ length: 2 * policiesAtOnce }, (_, at) => `group-${10 + at}`);
    const world = await withSurplus(...groups);
    world.clock.time += hour;
    const before = new Set(world.workflow.started);
    const startedAtDeletion: number[] = [];
    const { store } = world.room;
    const remove = store.remove.bind(store);
    world.room.store.remove = (stored, now, requestId) => {
      startedAtDeletion.push(new Set(world.workflow.started).size - before.size);
      return stored.record.group === groups[0] ? Promise.reject(new Error('played')) : remove(stored, now, requestId);
    };
    expect(await world.tick()).toEqual({ started: groups.length, skipped: 0, deleted: groups.length - 1, failed: 1 });
    expect(new Set(startedAtDeletion)).toEqual(new Set([groups.length]));
  });

  test('are retained while there is time, beginning with another one each minute', async () => {
    const huge = Array.from({ length: policiesAtOnce }, (_, at) => `a-huge-${at}`);
    const world = await withSurplus(...huge, 'small');
    let remainingMs = 55_000;
    const busy: (() => void)[] = [];
    const read = world.policies.read.bind(world.policies);
    world.policies.read = async (of) => {
      if (of === 'small') return read(of);
      await new Promise<void>((resolve) => {
        busy.push(resolve);
        if (busy.length < policiesAtOnce) return;
        remainingMs = 5_000;
        for (const goesOn of busy.splice(0)) goesOn();
      });
      return undefined;
    };
    for (let minute = 0; (await world.backupsOf('small')) === 2; minute += 1) {
      if (minute > huge.length) throw new Error('The small group had no turn');
      remainingMs = 55_000;
      expect(await world.tick(() => remainingMs)).toMatchObject({ failed: 0 });
      world.clock.time += 60_000;
    }
    for (const one of huge) expect(await world.backupsOf(one)).toBe(2);
  });

  test('never leave a backup listed that has lost files, when the time or S3 fails its deletion', async () => {
    const world = await withSurplus('orders-copy', 'orders-other');
    let remainingMs = 55_000;
    let otherBegins = () => {};
    const otherHasBegun = new Promise<void>((resolve) => {
      otherBegins = resolve;
    });
    world.room.archives.discard = async ({ group: of }, _attempt, goOn) => {
      if (of === 'orders-other') {
        otherBegins();
        throw new Error('S3 deletes nothing');
      }
      // Else the other would find the time used up.
      await otherHasBegun;
      remainingMs = 5_000;
      expect(goOn?.()).toBe(false);
      throw new OutOfTimeError();
    };
    expect(await world.tick(() => remainingMs)).toMatchObject({ deleted: 2, failed: 0 });
    for (const one of ['orders-copy', 'orders-other']) expect(await world.backupsOf(one)).toBe(1);
    const left = (await world.room.store.listCleanUps(undefined)).items;
    expect(new Set(left.map((name) => name.group))).toEqual(new Set(['orders-copy', 'orders-other']));
  });

  test('leave time for restores that stand still', async () => {
    const world = await withSurplus('orders-copy');
    const looked: number[] = [];
    await world.tick(undefined, async () => void looked.push(world.played.discarded.length));
    expect(looked).toEqual([0]);
    expect(world.played.discarded).toHaveLength(1);
  });
});

test('with delegation switched off the built-in worker takes every backup', async () => {
  const world = await openBackups();
  await world.register('w1');
  const room = { ...world.room, settings: { ...world.room.settings, delegation: 'off' as const } };
  const record = await begin(room, { group, options: plainOptions, requestId: 'r' });
  expect(record.options.bypassDelegation).toBe(true);
});

test('an Idempotency-Key stands for one policy, whichever process looks', async () => {
  const world = await openBackups();
  const policies = policyTable(world.client, world.table);
  const put = async (key: string, policy: Policy) => {
    const { clock, settings } = world.room;
    const app = serve(policyRoutes({ policies, clock, settings }), {
      keys: requestKeysTable(world.client, world.table),
    });
    const headers = { 'content-type': 'application/json', 'Idempotency-Key': key };
    const body = JSON.stringify(policy);
    const answer = await app.request(`/v1/groups/${group}/backup-policy`, { method: 'PUT', headers, body });
    return { status: answer.status, body: await answer.json() };
  };
  expect(await put('one', hourly)).toMatchObject({ status: 200 });
  expect(await put('one', hourly)).toMatchObject({ status: 200 });
  const reused = { status: 422, body: { code: 'idempotency_key_reused' } };
  expect(await put('one', { ...hourly, retain: 5 })).toMatchObject(reused);
  expect(await put('two', { ...hourly, retain: 5 })).toMatchObject({ status: 200, body: { retain: 5 } });
  expect(await put('one', { ...hourly, retain: 6 }), 'also after another one').toMatchObject(reused);
  const both = await Promise.all([7, 8].map((retain) => put('three', { ...hourly, retain })));
  expect(both.map(({ status }) => status).toSorted()).toEqual([200, 422]);
});
