import { randomUUID } from 'node:crypto';
import { PutCommand } from '@aws-sdk/lib-dynamodb';
import { v7 as uuidv7 } from 'uuid';
import { describe, expect, test } from 'vitest';
import { finish } from '../../../functions/backups/attempt/attempts.ts';
import { verify } from '../../../functions/backups/attempt/conclusion.ts';
import { choose } from '../../../functions/backups/attempt/delegation.ts';
import { verdictFor } from '../../../functions/backups/backup.ts';
import { toBackupView } from '../../../functions/backups/backup-view.ts';
import { backupKey } from '../../../functions/backups/keys.ts';
import { cancelled, endBackup, updateBackup } from '../../../functions/backups/records.ts';
import { begin, explain, orFailed, remove, share, unshare, waitForEnd } from '../../../functions/backups/requests.ts';
import { backupRoutes } from '../../../functions/backups/routes.ts';
import { sweep } from '../../../functions/backups/sweep.ts';
import { OutOfTimeError } from '../../../functions/backups/worker/built-in-worker.ts';
import { serve } from '../../../functions/platform/http.ts';
import { requestIdOf } from '../../../store/idempotency.ts';
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
      detail: expect.stringContaining('None of 1 workers'),
    });
    expect(await world.room.store.running(group)).toBeUndefined();
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
    expect(await room.store.running('ordesr')).toBeUndefined();
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
    expect(await world.room.store.running(group)).toBe(backupId);
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

describe('a status', () => {
  test('tells the time per phase and never a token, a secret or a hash of one', async () => {
    const world = await openBackups();
    await world.register('w1');
    world.clock.time += 10;
    const { backupId, secret } = await world.accepted();
    world.clock.time += 1_000;
    const record = await world.record(backupId);
    const status = toBackupView(record, record, world.clock.now());
    expect(status).toMatchObject({ backupId, state: 'TRANSITIONING', worker: 'w1', phases: { TRANSITIONING: 1_000 } });
    const text = JSON.stringify(status);
    for (const hidden of [secret, record.secretHash ?? '', record.taskToken ?? '']) expect(text).not.toContain(hidden);
  });

  test('is listed newest first in pages; a removed backup is gone', async () => {
    const world = await openBackups();
    const ids: string[] = [];
    for (let at = 0; at < 3; at += 1) {
      const { backupId } = await world.begin({ allowLeader: false, bypassDelegation: true });
      ids.push(backupId);
      expect(await problemOf(remove(world.room, { group, backupId, requestId: 'r-1' }))).toMatchObject({
        code: 'backup_running',
      });
      await endBackup(world.room, { group, backupId }, { code: 'internal', message: 'played' });
    }
    const page = await world.room.store.list(group, undefined, 2);
    expect(page.items.map(({ record }) => record.backupId)).toEqual(ids.toReversed().slice(0, 2));
    const rest = await world.room.store.list(group, page.last, 2);
    expect(rest.items.map(({ record }) => record.backupId)).toEqual(ids.slice(0, 1));
    const backupId = ids[1] ?? '';
    await remove(world.room, { group, backupId, requestId: 'r-1' });
    await remove(world.room, { group, backupId, requestId: 'r-1' });
    const deletedAt = new Date(world.clock.time).toISOString();
    const again = () => remove(world.room, { group, backupId, requestId: 'r-2' });
    for (const gone of [again, () => world.record(backupId)]) {
      expect(await problemOf(gone())).toMatchObject({ code: 'not_found', members: { deletedAt } });
    }
    expect((await world.room.store.list(group, undefined, 10)).items).toHaveLength(2);
  });

  test('that failed is a problem for a caller that waited for it, with the code that it failed with', async () => {
    const world = await openBackups();
    const { backupId } = await world.begin({ bypassDelegation: true });
    const failed = await endBackup(world.room, { group, backupId }, { code: 'cut_failed', message: 'log moved' });
    expect(() => orFailed(failed)).toThrow(
      expect.objectContaining({
        code: 'backup_failed',
        detail: `Backup ${backupId} of group "orders" failed with cut_failed: log moved`,
        members: { backupId, error: { code: 'cut_failed', message: 'log moved' } },
      }),
    );
    const other = await world.begin({ bypassDelegation: true });
    expect(orFailed(other)).toBe(other);
  });

  test('that is deleted is not brought back by a request that read it earlier', async () => {
    const world = await openBackups();
    const { backupId } = await world.begin({ bypassDelegation: true });
    const name = { group, backupId };
    await endBackup(world.room, name, { code: 'internal', message: 'played' });
    const seen = await world.room.store.read(group, backupId);
    if (!seen) throw new Error('no record');
    await remove(world.room, { ...name, requestId: 'r' });
    expect(await world.room.store.replace(seen, { ...seen.record, sharedWith: ['copies'] })).toBe(false);
    expect(await problemOf(share(world.room, name, 'copies', 'request'))).toMatchObject({ code: 'not_found' });
  });

  test('names the groups that it is shared with, each once', async () => {
    const world = await openBackups();
    const name = await world.begin({ bypassDelegation: true });
    await share(world.room, name, 'copies', 'request');
    expect(await share(world.room, name, 'copies', 'request')).toEqual(['copies']);
    for (let more = 2; more <= 100; more += 1) await share(world.room, name, `copies-${more}`, 'request');
    expect(await problemOf(share(world.room, name, 'one-more', 'request'))).toMatchObject({
      code: 'invalid_request',
      members: { issues: [{ path: 'group', message: expect.stringContaining('one more than the 100 groups') }] },
    });
    expect(await share(world.room, name, 'copies', 'request')).toHaveLength(100);
  });

  test('is shared with another group under a key of its own only, whichever process looks', async () => {
    const world = await openBackups();
    const name = await world.begin({ bypassDelegation: true });
    const request = (body: string) => requestIdOf('the-key', 'POST', '/share', Buffer.from(body));
    await share(world.room, name, 'copies', request('copies'));
    expect(await share(world.room, name, 'copies', request('copies'))).toEqual(['copies']);
    const reused = share(world.room, name, 'others', request('others'));
    expect(await problemOf(reused)).toMatchObject({
      code: 'idempotency_key_reused',
      members: { operation: `POST /v1/groups/${group}/backups/${name.backupId}/share` },
    });
  });

  test('can be taken back from a group that it was shared with', async () => {
    const world = await openBackups();
    const name = await world.begin({ bypassDelegation: true });
    for (const copies of ['copies', 'others']) await share(world.room, name, copies, 'request');
    expect(await unshare(world.room, name, 'copies')).toEqual(['others']);
    expect(await unshare(world.room, name, 'copies')).toEqual(['others']);
    expect(await problemOf(unshare(world.room, { ...name, backupId: randomUUID() }, 'copies'))).toMatchObject({
      code: 'not_found',
    });
  });

  test('whose record is unreadable fails no listing: it is shown as damaged', async () => {
    const world = await openBackups();
    const { room, client, table } = world;
    const intact = await world.begin({ bypassDelegation: true });
    const backupId = uuidv7();
    for (const record of ['nonsense', { state: 'COMPLETED', startedAt: 9e15 }]) {
      await client.send(
        new PutCommand({ TableName: table, Item: { ...backupKey(group, backupId), revision: 1, record } }),
      );
      const app = serve(backupRoutes({ ...room, owners: undefined as never, groups: { exists: async () => true } }));
      const listed = (await (await app.request(`/v1/groups/${group}/backups`)).json()) as { items: unknown[] };
      expect(listed.items).toMatchObject([
        { backupId, group, state: 'FAILED', error: { code: 'record_damaged' } },
        { backupId: intact.backupId, state: 'INITIATING' },
      ]);
      const shown = await app.request(`/v1/groups/${group}/backups/${backupId}`);
      expect([shown.status, await shown.json()]).toMatchObject([200, { error: { code: 'record_damaged' } }]);
    }
  });

  test('of an unknown attempt is superseded for everybody', async () => {
    const world = await openBackups();
    const record = await world.begin({ bypassDelegation: true });
    expect(verdictFor(record, { attempt: 0, secretHash: 'x' })).toBe('superseded');
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
    room.cutting.release = async () => {
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
    room.cutting.release = async () => {
      await remove(room, name, () => false);
    };
    expect(await sweep(room)).toMatchObject({ cleaned: 1, failed: 0 });
    room.cutting.release = async () => {};
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
    const backupId = String(await room.store.running(group));
    for (const state of ['TRANSITIONING', 'RUNNING', 'VERIFYING'] as const) {
      await updateBackup(room, { group, backupId }, (record) => ({ ...record, state }));
      expect(await call(room)).toMatchObject({ status: 202, body: { state } });
    }
    await endBackup(room, { group, backupId }, 'COMPLETED');
    expect(await call(room)).toMatchObject({ status: 200, body: { state: 'COMPLETED' } });

    const failing = await openBackups();
    const other = { ...room, ...failing.room, clock: world.clock };
    await call(other);
    await endBackup(other, { group, backupId: String(await other.store.running(group)) }, cancelled);
    expect(await call(other)).toMatchObject({ status: 409, body: { code: 'backup_failed' } });
  });
});
