import { describe, expect, test } from 'vitest';
import { finish } from '../../../functions/backups/attempt/attempts.ts';
import { verify } from '../../../functions/backups/attempt/conclusion.ts';
import { choose } from '../../../functions/backups/attempt/delegation.ts';
import { cancelled, endBackup, updateBackup } from '../../../functions/backups/records.ts';
import { begin, explain, remove, waitForEnd } from '../../../functions/backups/requests.ts';
import { backupRoutes } from '../../../functions/backups/routes.ts';
import { sweep } from '../../../functions/backups/sweep.ts';
import { OutOfTimeError } from '../../../functions/backups/worker/built-in-worker.ts';
import { serve } from '../../../functions/platform/http.ts';
import { plainOptions } from '../../support/backups/begun-backup.ts';
import { problemOf } from '../leadership/room.ts';
import { finished, group, openBackups } from './world.ts';

describe('a request', () => {
  test('without a worker is refused unless the built-in one may take it; nothing is written', async () => {
    const world = await openBackups();
    expect(await problemOf(world.begin())).toMatchObject({ code: 'no_worker' });
    await world.register('w1');
    world.clock.time += 3_600_000;
    expect(await problemOf(world.begin())).toMatchObject({
      code: 'no_worker',
      detail: expect.stringContaining('The only worker'),
    });
    expect(await world.room.store.readRunning(group)).toBeUndefined();
    expect(world.workflow.started).toEqual([]);
    expect(await world.begin({ allowLeader: true })).toMatchObject({ state: 'INITIATING' });
  });

  test('is refused once the group has as many backups as it may have, unless it has begun one already', async () => {
    const world = await openBackups();
    const room = { ...world.room, settings: { ...world.room.settings, mostBackups: 3 } };
    const options = { ...plainOptions, bypassDelegation: true };
    const asked = (requestId: string) => begin(room, { group, options, requestId });
    const ids: string[] = [];
    for (let at = 0; at < 3; at += 1) {
      const { backupId } = await asked(`request-${at}`);
      await endBackup(room, { group, backupId }, { code: 'internal', message: 'played' });
      ids.push(backupId);
    }
    expect(await problemOf(asked('one-more'))).toMatchObject({
      code: 'limit_reached',
      members: { of: 'backups', limit: 3 },
    });
    expect((await asked('request-0')).backupId).toBe(ids[0]);
    await remove(room, { group, backupId: ids[1] ?? '', requestId: 'removal' });
    expect(await asked('one-more')).toMatchObject({ state: 'INITIATING' });
  });

  test('for a group that never existed is told so, also to explain', async () => {
    const { room } = await openBackups();
    const asked: string[] = [];
    const groups = { exists: async (name: string) => asked.push(name) > 99 };
    const app = serve(backupRoutes({ ...room, owners: undefined as never, groups }));
    for (const body of [{}, { explain: true }, { allowLeader: true }]) {
      const response = await app.request('/v1/groups/ordesr/backups', { method: 'POST', body: JSON.stringify(body) });
      expect([response.status, await response.json()]).toMatchObject([404, { code: 'group_not_found' }]);
    }
    expect(asked).toEqual(['ordesr', 'ordesr', 'ordesr']);
    expect(await room.store.readRunning('ordesr')).toBeUndefined();
  });

  test('is refused while another backup is in progress, with its id; the same request gets its backup again', async () => {
    const world = await openBackups();
    await world.register('w1');
    const { backupId } = await world.begin({}, 'request-1');
    expect(await problemOf(world.begin())).toMatchObject({ code: 'backup_in_progress', members: { backupId } });
    expect((await world.begin({}, 'request-1')).backupId).toBe(backupId);
    expect(world.workflow.started).toEqual([backupId, backupId]);
    world.clock.time += 3_600_000;
    await choose(world.room, { group, backupId });
    expect(await world.begin({}, 'request-1')).toMatchObject({ backupId, state: 'FAILED' });
    expect(world.workflow.started).toHaveLength(2);
  });

  test('of which ten are sent at once begins one backup', async () => {
    const world = await openBackups();
    const requests = Array.from({ length: 10 }, (_, at) => world.begin({ allowLeader: true }, `request-${at}`));
    const answers = await Promise.allSettled(requests);
    expect(answers.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    const same = await openBackups();
    const copies = await Promise.all(Array.from({ length: 5 }, () => same.begin({ allowLeader: true }, 'one')));
    expect(new Set(copies.map(({ backupId }) => backupId)).size).toBe(1);
  });

  test.each(['answer lost', 'crash after'] as const)('whose %s is begun once by its retry', async (fault) => {
    const world = await openBackups();
    world.faults.once(fault, 'TransactWriteItemsCommand');
    const first = await world.begin({ allowLeader: true }, 'one').catch((error) => error);
    expect(first).toMatchObject(fault === 'crash after' ? { name: 'CrashedError' } : { state: 'INITIATING' });
    world.faults.revive();
    const { backupId } = await world.begin({ allowLeader: true }, 'one');
    expect(await world.room.store.readRunning(group)).toBe(backupId);
    expect(new Set(world.workflow.started)).toEqual(new Set([backupId]));
  });

  test('by the schedule has the id that the schedule gives it', async () => {
    const world = await openBackups();
    const given = { backupId: '0197b0f0-1111-7000-8000-000000000000', slot: 1_800_000_000_000 };
    const request = { group, options: { ...plainOptions, allowLeader: true }, requestId: 'slot-1', ...given };
    expect(await begin(world.room, request)).toMatchObject(given);
    expect((await begin(world.room, request)).backupId).toBe(given.backupId);
  });

  test('is awaited until the backup has ended', async () => {
    const world = await openBackups();
    await world.register('w1');
    const { worker: _worker, secret, ...name } = await world.accepted();
    const record = await world.record(name.backupId);
    expect((await waitForEnd(world.room, record, 0)).state).toBe('TRANSITIONING');
    const waiting = waitForEnd(world.room, record, 60_000);
    await finish(world.room, name, secret, finished);
    await verify(world.room, name, '', 1_000);
    expect((await waiting).state).toBe('COMPLETED');
  });

  test('for an explanation writes nothing', async () => {
    const world = await openBackups();
    await world.register('w1');
    const sentBefore = world.faults.sent.length;
    expect(await explain(world.room, group, plainOptions)).toEqual({
      explain: true,
      candidates: [{ worker: 'w1', host: 'w1.example', chosen: true, why: 'present' }],
      positions: { events: 10 },
    });
    const bypassed = await explain(world.room, group, { ...plainOptions, bypassDelegation: true });
    expect(bypassed.candidates.map(({ worker, chosen }) => [worker, chosen])).toEqual([
      ['built-in', true],
      ['w1', false],
    ]);
    const commands = world.faults.sent.slice(sentBefore).map(({ command }) => command);
    expect(new Set(commands)).toEqual(new Set(['QueryCommand']));
  });
});

describe('the sweep', () => {
  test('starts again what has no execution, settles what has one that ended, and continues past one that fails', async () => {
    const world = await openBackups();
    const { room, workflow } = world;
    const { backupId } = await world.begin({ bypassDelegation: true });
    expect(await sweep(room)).toEqual({ restarted: 1, settled: 0, cleaned: 0, failed: 0 });
    await choose(room, { group, backupId });
    expect(await sweep(room)).toEqual({ restarted: 0, settled: 0, cleaned: 0, failed: 0 });
    workflow.ended.add(backupId);
    expect(await sweep(room)).toEqual({ restarted: 0, settled: 1, cleaned: 1, failed: 0 });
    expect(await world.record(backupId)).toMatchObject({ state: 'FAILED', error: { code: 'workflow_ended' } });
    expect(await sweep(room)).toEqual({ restarted: 0, settled: 0, cleaned: 0, failed: 0 });

    const second = await world.begin({ bypassDelegation: true });
    workflow.ended.add(second.backupId);
    room.cutter.release = async () => {
      throw new Error('played');
    };
    expect(await sweep(room)).toEqual({ restarted: 0, settled: 1, cleaned: 0, failed: 1 });
    expect((await room.store.listCleanUps(undefined)).items).toHaveLength(1);
  });

  test('finishes what a deletion left, as far as there is time, and the next one continues', async () => {
    const world = await openBackups();
    const { room } = world;
    const name = await world.begin({ bypassDelegation: true });
    await endBackup(room, name, cancelled);
    let files = 4;
    let remainingMs = 0;
    room.archives.discard = async (_backup, attempt, goOn = () => true) => {
      for (; attempt === undefined && files > 0; files -= 1, remainingMs -= 10_000)
        if (!goOn()) throw new OutOfTimeError();
    };
    await remove(room, name, () => false);
    expect((await room.store.list(group, undefined, 10)).items).toEqual([]);
    expect(await problemOf(remove(room, { ...name, requestId: 'another' }))).toMatchObject({ code: 'not_found' });
    expect(files).toBe(4);
    for (const [cleaned, left] of [
      [0, 2],
      [1, 0],
    ]) {
      remainingMs = 25_000;
      expect(await sweep(room, () => remainingMs)).toEqual({ restarted: 0, settled: 0, cleaned, failed: 0 });
      expect(files).toBe(left);
    }
    expect((await room.store.listCleanUps(undefined)).items).toEqual([]);
  });

  test('keeps the note of a deletion that came while it cleaned up after the end of the same backup', async () => {
    const world = await openBackups();
    const { room } = world;
    const name = await world.begin({ bypassDelegation: true });
    await endBackup(room, name, cancelled);
    room.cutter.release = async () => {
      await remove(room, name, () => false);
    };
    expect(await sweep(room)).toMatchObject({ cleaned: 1, failed: 0 });
    room.cutter.release = async () => {};
    expect(await sweep(room)).toMatchObject({ cleaned: 1, failed: 0 });
    expect(await sweep(room)).toMatchObject({ cleaned: 0, failed: 0 });
  });
});

describe('a caller that waits for the end', () => {
  const call = async (room: Parameters<typeof backupRoutes>[0]) => {
    const headers = { 'content-type': 'application/json', 'Idempotency-Key': 'the-same' };
    const body = JSON.stringify({ runAsync: false, bypassDelegation: true });
    const answer = await serve(backupRoutes(room)).request(`/v1/groups/${group}/backups`, {
      method: 'POST',
      headers,
      body,
    });
    return { status: answer.status, body: (await answer.json()) as { state?: string; code?: string } };
  };

  test('gets 200 for a completed backup alone: 202 in any other state, a problem for one that failed', async () => {
    const world = await openBackups();
    // The time is up at the second look.
    let now = world.clock.now();
    world.clock.now = () => {
      now += 20_000;
      return now;
    };
    const room = {
      ...world.room,
      groups: { exists: async () => true },
      owners: { remember: async () => undefined, ownerOf: async () => undefined, forget: async () => undefined },
    };
    expect(await call(room)).toMatchObject({ status: 202, body: { state: 'INITIATING' } });
    const backupId = String(await room.store.readRunning(group));
    for (const state of ['TRANSITIONING', 'RUNNING', 'VERIFYING'] as const) {
      await updateBackup(room, { group, backupId }, (record) => ({ ...record, state }));
      expect(await call(room)).toMatchObject({ status: 202, body: { state } });
    }
    await endBackup(room, { group, backupId }, 'COMPLETED');
    expect(await call(room)).toMatchObject({ status: 200, body: { state: 'COMPLETED' } });

    const failing = await openBackups();
    const other = { ...room, ...failing.room, clock: world.clock };
    await call(other);
    await endBackup(other, { group, backupId: String(await other.store.readRunning(group)) }, cancelled);
    expect(await call(other)).toMatchObject({ status: 409, body: { code: 'backup_failed' } });
  });
});
