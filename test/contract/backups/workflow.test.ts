import { randomUUID } from 'node:crypto';
import { StopExecutionCommand } from '@aws-sdk/client-sfn';
import { expect, test } from 'vitest';
import { finish, giveUp, heartbeat } from '../../../functions/backups/attempt/attempts.ts';
import { lose, work } from '../../../functions/backups/attempt/conclusion.ts';
import { choose } from '../../../functions/backups/attempt/delegation.ts';
import { begin, cancel, launch, remove } from '../../../functions/backups/requests.ts';
import { sweep } from '../../../functions/backups/sweep.ts';
import { goodbye } from '../../../functions/backups/worker/workers.ts';
import { plainOptions } from '../../support/backups/begun-backup.ts';
import { errorNamed, group, openWorkflow, until } from './workflow-world.ts';
import { finished, openBackups, progress } from './world.ts';

/** Must hold 3. The clock moves by seconds, so the end is seen up to one of them late. */
const endsWithinMs = 60_000 + 30_000 + 1_000;

type World = Awaited<ReturnType<typeof openWorkflow>>;

test('a delegated backup is completed by its workflow, and lives as long as there are heartbeats', async () => {
  const world = await openWorkflow();
  await world.register('w1');
  const { backupId } = await world.begin();
  const { secret, ...name } = await world.running('w1');
  for (let beat = 1; beat <= 12; beat += 1) {
    world.clock.advance(59_000);
    expect(await heartbeat(world.room, name, secret, progress(beat))).toBe('continue');
  }
  expect(await finish(world.room, name, secret, finished)).toBe('continue');
  await until(async () => (await world.record(backupId)).state === 'COMPLETED');
  await until(async () => (await world.server.describe(world.executionArn(backupId))).status === 'SUCCEEDED');
  expect(world.played).toMatchObject({ released: [backupId], discarded: [] });
});

test.each<[string, (world: World) => Promise<unknown>, string]>([
  ['the backup began', async () => {}, 'no_worker_accepted'],
  ['its suspension', (world) => world.replied('w1', 'suspend'), 'no_worker_accepted'],
  ['its acceptance', (world) => world.running('w1'), 'backup_timed_out'],
  [
    'some heartbeats',
    async (world) => {
      const { secret, ...name } = await world.running('w1');
      world.clock.advance(50_000);
      await heartbeat(world.room, name, secret, progress(1));
    },
    'backup_timed_out',
  ],
])(
  'a worker falls silent after %s: the backup ends within the abandon timeout + 30 s of its last heartbeat',
  async (_, act, code) => {
    const world = await openWorkflow();
    await world.register('w1');
    const { backupId } = await world.begin();
    await act(world);
    const silentSince = world.clock.now();
    const record = await world.passes(backupId);
    expect(record.error?.code).toBe(code);
    expect((record.endedAt ?? 0) - silentSince).toBeLessThanOrEqual(endsWithinMs);
    expect(await world.room.store.readRunning(group)).toBeUndefined();
    await world.register('w2');
    const { backupId: next } = await world.begin();
    expect(await world.running('w2')).toMatchObject({ backupId: next, attempt: 1 });
  },
);

test('an attempt that reaches its limit says so, however lively it is', async () => {
  const world = await openWorkflow();
  const room = { ...world.room, settings: { ...world.room.settings, attemptTimeoutMs: 120_000 } };
  await world.register('w1');
  const { backupId } = await begin(room, { group, options: plainOptions, requestId: randomUUID() });
  const { attempt, secret } = await world.running('w1');
  for (let sequence = 1; sequence <= 12; sequence += 1) {
    world.clock.advance(10_000);
    await heartbeat(world.room, { group, backupId, attempt }, secret, progress(sequence));
  }
  const { error } = await world.passes(backupId);
  expect(error?.code).toBe('backup_timed_out');
  expect(error?.message).toMatch(
    /^Attempt 1 of worker "w1" reached its limit of 120 s \(the setting backupTimeouts, attemptMs\)/,
  );
});

test('the built-in worker has the same limit', async () => {
  const world = await openBackups();
  const { backupId } = await world.begin({ bypassDelegation: true });
  const { attempt } = await choose(world.room, { group, backupId });
  const name = { group, backupId, attempt };
  world.clock.time += 24 * 3_600_000;
  await expect(work(world.room, name, 1_000)).rejects.toMatchObject({ name: 'AttemptTooLong' });
  await lose(world.room, name, { Error: 'AttemptTooLong', Cause: '' });
  expect((await world.record(backupId)).error?.message).toMatch(
    /^Attempt 1 of worker "built-in" reached its limit of 86400 s/,
  );
});

test.each(['as written', 'reversed'])(
  'the sweep leaves a workflow alone that runs, when the table answers the timeouts %s',
  async (order) => {
    const world = await openWorkflow();
    await world.register('w1');
    const { backupId } = await world.begin();
    await world.running('w1');
    const { store } = world.room;
    const read = store.read.bind(store);
    world.room.store.read = async (...name) => {
      const stored = await read(...name);
      if (!stored) return undefined;
      const { timeouts: written } = stored.record;
      const entries = Object.entries(written);
      const reversed = Object.fromEntries(entries.toReversed()) as unknown as typeof written;
      const timeouts = order === 'reversed' ? reversed : written;
      return { ...stored, record: { ...stored.record, timeouts } };
    };
    expect(await sweep(world.room)).toMatchObject({ settled: 0, failed: 0 });
    expect((await world.record(backupId)).state).toBe('TRANSITIONING');
  },
);

test('an attempt that was lost changes nothing any more, whatever it still sends', async () => {
  const world = await openWorkflow();
  await world.register('w1');
  const { backupId } = await world.begin({ redelegate: true });
  const { secret, ...lost } = await world.running('w1');
  await world.register('w2');
  world.clock.advance(61_000);
  const { secret: counts, ...current } = await world.running('w2');
  expect(current.attempt).toBe(2);
  const before = await world.record(backupId);
  const { room } = world;
  expect(await heartbeat(room, lost, secret, progress(9))).toBe('superseded');
  expect(await heartbeat(room, lost, counts, progress(9))).toBe('superseded');
  expect(await giveUp(room, lost, secret, { code: 'disk_full', message: 'no space' })).toBe('superseded');
  expect(await finish(room, lost, secret, finished)).toBe('superseded');
  await goodbye(room, { group, worker: 'w1' });
  expect(await world.record(backupId)).toEqual(before);
  expect(await finish(room, current, counts, finished)).toBe('continue');
  await until(async () => (await world.record(backupId)).state === 'COMPLETED');
  expect((await world.record(backupId)).refusals).toEqual([
    { worker: 'w1', reason: expect.stringMatching(/^backup_timed_out/) },
  ]);
});

test('a suspended worker that does not get the backup is told to resume', async () => {
  const world = await openWorkflow();
  await world.register('w1');
  const { backupId } = await world.begin({ allowLeader: true });
  await world.replied('w1', 'suspend');
  await until(async () => (await world.commands('w1')).length === 1);
  world.clock.advance(31_000);
  await until(async () => (await world.record(backupId)).state === 'COMPLETED');
  expect(await world.commands('w1')).toEqual([expect.objectContaining({ type: 'cancel', backupId, attempt: 1 })]);
});

test('a goodbye and a cancellation end the running attempt without any time passing', async () => {
  for (const [code, act] of [
    ['worker_lost', (world: World) => goodbye(world.room, { group, worker: 'w1' })],
    ['cancelled', (world: World, backupId: string) => cancel(world.room, { group, backupId })],
  ] as const) {
    const world = await openWorkflow();
    await world.register('w1');
    const { backupId } = await world.begin();
    await world.running('w1');
    await act(world, backupId);
    await until(async () => (await world.server.describe(world.executionArn(backupId))).status === 'SUCCEEDED');
    expect((await world.record(backupId)).error?.code).toBe(code);
  }
});

test('when the logs do not hold still the worker is suspended anew for each cut', async () => {
  const world = await openWorkflow();
  await world.register('w1');
  const { backupId } = await world.begin();
  const still = world.played.cut;
  world.played.cut = { kind: 'again', again: 'log "events": the lock was removed' };
  await world.replied('w1', 'suspend');
  await world.entered(backupId, 'WaitStateEntered');
  world.played.cut = still;
  world.clock.advance(1_000);
  expect(await world.running('w1')).toMatchObject({ attempt: 1 });
  expect([world.calls('suspend'), world.calls('cut')]).toEqual([2, 2]);
});

test('the built-in worker takes as many calls as it needs, and so does the verification', async () => {
  const world = await openWorkflow();
  const { room, played } = world;
  const done = room.archives.work;
  let slices = 0;
  room.archives.work = async (record, slice) => {
    slices += 1;
    await slice.report({ state: 'RUNNING', entryCount: slices, bytes: slices });
    return slices < 4 ? { kind: 'more' } : done(record, slice);
  };
  const cursors: (string | undefined)[] = [];
  room.archives.verify = async (_record, cursor) => {
    cursors.push(cursor);
    return cursors.length < 3 ? { kind: 'more', cursor: `file ${cursors.length}` } : played.verification;
  };
  const { backupId } = await world.begin({ bypassDelegation: true });
  await until(async () => (await world.record(backupId)).state === 'COMPLETED');
  expect(slices).toBe(4);
  expect(cursors).toEqual([undefined, 'file 1', 'file 2']);
  expect(await world.record(backupId)).toMatchObject({ attempt: 1, worker: 'built-in', sequence: 4 });
});

test('a slice of the built-in worker that died is done again; one that hangs is lost after the abandon timeout', async () => {
  const world = await openWorkflow();
  world.play('work', () => Promise.reject(errorNamed('Runtime.OutOfMemory')));
  const { backupId } = await world.begin({ bypassDelegation: true });
  await world.entered(backupId, 'TaskFailed');
  world.clock.advance(1_000);
  await until(async () => (await world.record(backupId)).state === 'COMPLETED');
  expect(world.calls('work')).toBe(2);

  world.play('work', () => new Promise(() => {}));
  const { backupId: hanging } = await world.begin({ bypassDelegation: true });
  await until(async () => world.calls('work') === 3);
  const silentSince = world.clock.now();
  const record = await world.passes(hanging);
  expect(record.error?.code).toBe('backup_timed_out');
  expect((record.endedAt ?? 0) - silentSince).toBeLessThanOrEqual(endsWithinMs);
});

test('a backup that is cancelled and deleted in the middle of a slice is cleaned up when that slice has ended', async () => {
  const world = await openWorkflow();
  const { room, played } = world;
  room.archives.work = async (record, slice) => {
    await cancel(room, record);
    await remove(room, record);
    await sweep(room);
    played.released.length = 0;
    await slice.report({ state: 'RUNNING', entryCount: 1, bytes: 1 });
    return { kind: 'more' };
  };
  const { backupId } = await world.begin({ bypassDelegation: true });
  const status = async () => (await world.server.describe(world.executionArn(backupId))).status;
  await until(async () => {
    world.clock.advance(1_000);
    return (await status()) !== 'RUNNING';
  });
  expect(await status()).toBe('SUCCEEDED');
  expect(played).toMatchObject({ released: [backupId], discarded: [undefined, undefined, undefined] });
  expect((await room.store.listCleanUps(undefined)).items).toEqual([]);
});

test('an unexpected error of a task settles the backup', async () => {
  for (const name of ['choose', 'suspend', 'cut', 'offer', 'run', 'verify', 'passOver', 'lose']) {
    const world = await openWorkflow();
    await world.register('w1');
    world.play(name, () => Promise.reject(errorNamed('TypeError', 'x is not a function')));
    const { backupId } = await world.begin({ bypassDelegation: name === 'verify' });
    if (name === 'passOver') await world.replied('w1', 'suspend', false);
    if (['cut', 'offer', 'run', 'lose'].includes(name)) await world.replied('w1', 'suspend');
    if (['run', 'lose'].includes(name)) await world.replied('w1', 'backup');
    if (name === 'lose') {
      await until(async () => (await world.record(backupId)).taskToken !== undefined);
      await goodbye(world.room, { group, worker: 'w1' });
    }
    await until(async () => (await world.server.describe(world.executionArn(backupId))).status === 'SUCCEEDED');
    const { error } = await world.record(backupId);
    expect(error, name).toMatchObject({ code: 'internal', message: expect.stringContaining('x is not a function') });
  }
});

test('a backup whose execution was stopped is settled by the sweep; started twice, it was started once', async () => {
  const world = await openWorkflow();
  await world.register('w1');
  const record = await world.begin();
  expect(await launch(world.room, record)).toBe('running');
  const { secret, ...name } = await world.running('w1');
  expect(await sweep(world.room)).toMatchObject({ restarted: 0, settled: 0 });
  await world.server.client.send(new StopExecutionCommand({ executionArn: world.executionArn(record.backupId) }));
  expect(await sweep(world.room)).toMatchObject({ settled: 1, cleaned: 1, failed: 0 });
  expect((await world.record(record.backupId)).error?.code).toBe('workflow_ended');
  expect(await heartbeat(world.room, name, secret, progress(1))).toBe('superseded');
  expect(world.calls('choose')).toBe(1);
});
