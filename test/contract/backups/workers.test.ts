import { randomUUID } from 'node:crypto';
import { GetCommand } from '@aws-sdk/lib-dynamodb';
import { describe, expect, test, vi } from 'vitest';
import { finish } from '../../../functions/backups/attempt/attempts.ts';
import { lose } from '../../../functions/backups/attempt/conclusion.ts';
import { choose, passOver, suspend } from '../../../functions/backups/attempt/delegation.ts';
import { workerKey } from '../../../functions/backups/keys.ts';
import { endBackup } from '../../../functions/backups/records.ts';
import { begin, remove } from '../../../functions/backups/requests.ts';
import { answer, goodbye, list, poll, register } from '../../../functions/backups/worker/workers.ts';
import { groupKey } from '../../../leadership/keys.ts';
import { plainOptions } from '../../support/backups/begun-backup.ts';
import { problemOf } from '../leadership/room.ts';
import { finished, group, openBackups } from './world.ts';

type World = Awaited<ReturnType<typeof openBackups>>;

const abandonTimeoutMs = 60_000;

/** Registers one process of a worker. */
async function started({ room }: World, worker: string, folders?: readonly string[]) {
  const instanceId = randomUUID();
  const name = { group, worker, instanceId };
  await register(room, name, { host: 'host', ...(folders && { folders }) });
  return name;
}

const presence = async ({ room }: World) =>
  Object.fromEntries((await list(room, group)).items.map(({ worker, present }) => [worker, present]));

describe('asking for commands', () => {
  test('idle workers come back in half to one and a half of the idle time, and three times within the abandon timeout', async () => {
    const world = await openBackups();
    for (let at = 0; at < 20; at += 1) {
      const { pollAfterMs } = await register(world.room, { group, worker: 'w1' }, { host: 'host' });
      expect(pollAfterMs).toBeGreaterThanOrEqual(5_000);
      expect(pollAfterMs).toBeLessThanOrEqual(15_000);
    }
    const room = { ...world.room, settings: { ...world.room.settings, abandonTimeoutMs: 3_000 } };
    expect((await register(room, { group, worker: 'w1' }, { host: 'host' })).pollAfterMs).toBe(1_000);
  });

  test('only a worker that a backup waits for holds its poll', async () => {
    const world = await openBackups();
    await world.register('asked', 'idle');
    world.clock.time += 100;
    await poll(world.room, { group, worker: 'asked' }, 0);
    const { backupId } = await world.begin();
    expect(await choose(world.room, { group, backupId })).toMatchObject({ next: 'suspend' });
    const startedAt = Date.now();
    const { pollAfterMs } = await poll(world.room, { group, worker: 'idle' }, 20_000);
    expect(Date.now() - startedAt).toBeLessThan(5_000);
    expect(pollAfterMs).toBeGreaterThanOrEqual(5_000);

    const holding = poll(world.room, { group, worker: 'asked' }, 20_000);
    const Key = workerKey(group, 'asked');
    await vi.waitFor(
      async () => {
        const { Item } = await world.client.send(new GetCommand({ TableName: world.table, Key, ConsistentRead: true }));
        expect(Item).toHaveProperty('heldUntil');
      },
      { timeout: 15_000 },
    );
    // Attack: one worker asks with many polls at once. One is held, each of the others is answered at once.
    const more = await Promise.all(
      Array.from({ length: 20 }, () => poll(world.room, { group, worker: 'asked' }, 20_000)),
    );
    expect(more.every(({ commands }) => commands.length === 0)).toBe(true);
    expect(more.map(({ pollAfterMs: after }) => after)).toEqual(Array.from({ length: 20 }, () => 1_000));
    await suspend(world.room, { group, backupId, attempt: 1, taskToken: 'token' });
    expect((await holding).commands).toMatchObject([{ type: 'suspend', backupId }]);
    expect((await poll(world.room, { group, worker: 'asked' }, 0)).pollAfterMs).toBe(0);
  });

  test('where no polls are held, a worker that a backup waits for looks each second and hears its command', async () => {
    const world = await openBackups();
    await world.register('asked');
    world.clock.time += 100;
    const room = { ...world.room, settings: { ...world.room.settings, holdsPolls: false } };
    await poll(room, { group, worker: 'asked' }, 0);
    const { backupId } = await world.begin();
    await choose(room, { group, backupId });
    expect(await poll(room, { group, worker: 'asked' }, 20_000)).toEqual({ commands: [], pollAfterMs: 1_000 });
    const Key = workerKey(group, 'asked');
    const { Item } = await world.client.send(new GetCommand({ TableName: world.table, Key, ConsistentRead: true }));
    expect(Item).not.toHaveProperty('heldUntil');
    await suspend(world.room, { group, backupId, attempt: 1, taskToken: 'token' });
    expect((await poll(room, { group, worker: 'asked' }, 20_000)).commands).toMatchObject([
      { type: 'suspend', backupId },
    ]);
  });

  test('a worker must register first', async () => {
    const { room } = await openBackups();
    expect(await problemOf(poll(room, { group, worker: 'w1' }, 0))).toMatchObject({ code: 'not_found' });
  });

  test('workers are listed by name with their backup', async () => {
    const world = await openBackups();
    await world.register('w2', 'w1', 'w3');
    const { backupId, worker } = await world.accepted();
    const { items, more } = await list(world.room, group, '', 2);
    expect(items.map(({ worker: name }) => name)).toEqual(['w1', 'w2']);
    expect(more).toBe(true);
    const { items: all } = await list(world.room, group);
    expect(all.filter(({ busyWith }) => busyWith === backupId).map((one) => one.worker)).toEqual([worker]);
  });
});

describe('a worker that was killed', () => {
  test('is gone within the abandon timeout, whatever it was told last', async () => {
    const world = await openBackups();
    const name = await started(world, 'w1');
    await poll(world.room, name, 20_000);
    world.clock.time += abandonTimeoutMs - 1;
    expect(await presence(world)).toEqual({ w1: true });
    world.clock.time += 1;
    expect(await presence(world)).toEqual({ w1: false });
    expect(await problemOf(world.begin())).toMatchObject({ code: 'no_worker' });
  });

  test.each([
    ['does not answer', passOver, { Error: 'States.Timeout' }],
    ['sends no heartbeat', lose, { Error: 'States.HeartbeatTimeout' }],
  ] as const)('and %s is not asked for the next backup, until it is seen again', async (_, ends, error) => {
    const world = await openBackups();
    const name = await started(world, 'w1');
    const { backupId } = await world.begin();
    const { attempt } = await choose(world.room, { group, backupId });
    world.clock.time += 30_000;
    await ends(world.room, { group, backupId, attempt }, error);
    await choose(world.room, { group, backupId });
    expect(await presence(world)).toEqual({ w1: false });
    const { code, detail } = (await problemOf(world.begin())) as { code: string; detail: string };
    expect({ code, detail }).toMatchObject({
      code: 'no_worker',
      detail: expect.stringMatching(/^The only worker of .* cannot .*\("w1" was silent, and was given up \d+ ms ago\)/),
    });
    world.clock.time += 1;
    await poll(world.room, name, 0);
    expect(await presence(world)).toEqual({ w1: true });
  });

  test('and restarted under the same name loses its attempt at once', async () => {
    const world = await openBackups();
    await started(world, 'w1');
    const { backupId } = await world.accepted();
    world.workflow.reports.length = 0;
    await started(world, 'w1');
    expect(world.workflow.reports).toContainEqual(['fail', 'run-1', 'WorkerLost', 'was restarted']);
    expect((await world.record(backupId)).gaveUp).toEqual({
      code: 'worker_lost',
      message: 'Worker "w1" was restarted',
    });
  });

  test('and restarted while it is asked does not get the command of the process before', async () => {
    const world = await openBackups();
    await started(world, 'w1');
    const { backupId } = await world.begin();
    const { attempt } = await choose(world.room, { group, backupId });
    const asked = { group, backupId, attempt, taskToken: 'token' };
    await started(world, 'w1');
    await expect(suspend(world.room, asked)).rejects.toMatchObject({ name: 'WorkerLost', message: 'was restarted' });
  });
});

describe('two processes under one name', () => {
  test('the one before is told that it was replaced, and keeps the other neither registered nor from its backup', async () => {
    const world = await openBackups();
    const before = await started(world, 'w1');
    const after = await started(world, 'w1');
    expect(await problemOf(poll(world.room, before, 0))).toMatchObject({ code: 'worker_replaced' });
    const { worker } = await world.accepted();
    expect(worker).toBe('w1');
    world.workflow.reports.length = 0;
    await goodbye(world.room, before);
    expect(world.workflow.reports).toEqual([]);
    expect(await presence(world)).toEqual({ w1: true });
    await goodbye(world.room, after);
    expect(world.workflow.reports).toContainEqual(['fail', 'run-1', 'WorkerLost', 'said goodbye']);
    expect(await presence(world)).toEqual({});
  });

  test('a registration that is repeated, and a client that names no instance, lose nothing', async () => {
    const world = await openBackups();
    const name = await started(world, 'w1');
    await world.accepted();
    world.workflow.reports.length = 0;
    await register(world.room, name, { host: 'host' });
    expect(world.workflow.reports).toEqual([]);
    const other = await openBackups();
    await other.register('plain');
    await other.accepted();
    other.workflow.reports.length = 0;
    await other.register('plain');
    expect(other.workflow.reports).toEqual([]);
  });
});

describe('a worker without a folder', () => {
  test('is passed over before suspend and cut for a backup on its own disk, and takes the others', async () => {
    const world = await openBackups();
    await started(world, 'disk', ['/srv/backups']);
    world.clock.time += 1_000;
    await started(world, 'diskless', []);
    const { backupId } = await world.begin({ localFileSystem: true });
    await choose(world.room, { group, backupId });
    expect(await world.record(backupId)).toMatchObject({ worker: 'disk', refusals: [] });
  });

  test('is the only one: the backup is refused, and says why', async () => {
    const world = await openBackups();
    await started(world, 'diskless', []);
    expect(await problemOf(world.begin({ localFileSystem: true }))).toMatchObject({
      code: 'no_worker',
      detail: expect.stringContaining('start it with --local-dir'),
    });
    expect(await world.begin()).toMatchObject({ state: 'INITIATING' });
  });
});

describe('the number of workers', () => {
  const bounded = async () => {
    const world = await openBackups();
    Object.assign(world.room, { settings: { ...world.room.settings, mostWorkers: 3 } });
    return world;
  };

  test('is bounded: one more is refused by name and number', async () => {
    const world = await bounded();
    for (const worker of ['w1', 'w2', 'w3']) await started(world, worker);
    expect(await problemOf(started(world, 'w4'))).toMatchObject({
      code: 'limit_reached',
      detail: expect.stringMatching(/3 of at most 3 workers.*"w4"/),
      members: { limit: 3, of: 'workers' },
    });
    await started(world, 'w3');
  });

  test('counts nobody who is gone', async () => {
    const world = await bounded();
    for (const worker of ['w1', 'w2', 'w3']) await started(world, worker);
    world.clock.time += abandonTimeoutMs;
    await started(world, 'w4');
    expect(Object.keys(await presence(world)).length).toBe(3);
    expect(await presence(world)).toMatchObject({ w4: true });
  });
});

test('an answer of a worker that was passed over is told so', async () => {
  const world = await openBackups();
  const name = await started(world, 'w1');
  const { backupId } = await world.begin();
  const { attempt } = await choose(world.room, { group, backupId });
  await suspend(world.room, { group, backupId, attempt, taskToken: 'token' });
  await passOver(world.room, { group, backupId, attempt }, { Error: 'States.Timeout' });
  const late = answer(world.room, name, `${backupId}.${attempt}.suspend`, { accepted: true });
  expect(await problemOf(late)).toMatchObject({ code: 'not_found' });
});

describe('a backup on the disk of its worker', () => {
  const onDisk = async () => {
    const world = await openBackups();
    await started(world, 'w1', ['/srv']);
    const name = await world.accepted({ localFileSystem: true });
    await finish(world.room, name, name.secret, { ...finished, uri: 'file://host/srv/' });
    await endBackup(world.room, name, 'COMPLETED');
    return { ...world, name };
  };

  test('is removed there when it is deleted: the worker is told to', async () => {
    const { room, name, commands } = await onDisk();
    await remove(room, { ...name, requestId: 'r-1' });
    const { backupId } = name;
    expect(await commands('w1')).toMatchObject([{ type: 'discard', backupId, attempt: 1 }]);
  });

  test('is remembered as deleted for longer than any other, for a worker that was away', async () => {
    const { room, name, client, table, clock } = await onDisk();
    await goodbye(room, { group, worker: 'w1' });
    await remove(room, { ...name, requestId: 'r-1' });
    const Key = { pk: groupKey(group), sk: `REMOVED-BACKUP#${name.backupId}` };
    const { Item } = await client.send(new GetCommand({ TableName: table, Key }));
    expect(Number(Item?.['ttl']) - clock.time / 1000).toBeGreaterThan(365 * 86_400);
  });
});

test('the number of backups is bounded: one more is refused by number, and the same request is not', async () => {
  const world = await openBackups();
  const room = { ...world.room, settings: { ...world.room.settings, mostBackups: 2 } };
  const take = (requestId: string) =>
    begin(room, { group, options: { ...plainOptions, bypassDelegation: true }, requestId });
  for (const requestId of ['r-1', 'r-2']) {
    const { backupId } = await take(requestId);
    await endBackup(room, { group, backupId }, { code: 'internal', message: 'played' });
  }
  expect(await problemOf(take('r-3'))).toMatchObject({
    code: 'limit_reached',
    detail: expect.stringContaining('keeps 2 backups'),
    members: { limit: 2, of: 'backups' },
  });
  const { backupId } = await take('r-1');
  await remove(room, { group, backupId, requestId: 'rm' });
  expect(await take('r-3')).toMatchObject({ state: 'INITIATING' });
});
