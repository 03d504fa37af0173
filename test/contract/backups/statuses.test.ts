import { randomUUID } from 'node:crypto';
import { PutCommand } from '@aws-sdk/lib-dynamodb';
import { v7 as uuidv7 } from 'uuid';
import { describe, expect, test } from 'vitest';
import { verdictFor } from '../../../functions/backups/backup.ts';
import { toBackupView } from '../../../functions/backups/backup-view.ts';
import { backupKey } from '../../../functions/backups/keys.ts';
import { endBackup } from '../../../functions/backups/records.ts';
import { refuseFailed, remove, share, unshare } from '../../../functions/backups/requests.ts';
import { backupRoutes } from '../../../functions/backups/routes.ts';
import { serve } from '../../../functions/platform/http.ts';
import { requestKeysTable } from '../../../functions/platform/request-keys-table.ts';
import { problemOf } from '../leadership/room.ts';
import { group, openBackups } from './world.ts';

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
    expect(() => refuseFailed(failed)).toThrow(
      expect.objectContaining({
        code: 'backup_failed',
        detail: `Backup ${backupId} of group "orders" failed with cut_failed: log moved`,
        members: { backupId, error: { code: 'cut_failed', message: 'log moved' } },
      }),
    );
    const other = await world.begin({ bypassDelegation: true });
    expect(refuseFailed(other)).toBe(other);
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
    expect(await problemOf(share(world.room, name, 'copies'))).toMatchObject({ code: 'not_found' });
  });

  test('names the groups that it is shared with, each once', async () => {
    const world = await openBackups();
    const name = await world.begin({ bypassDelegation: true });
    await share(world.room, name, 'copies');
    expect(await share(world.room, name, 'copies')).toEqual(['copies']);
    for (let more = 2; more <= 100; more += 1) await share(world.room, name, `copies-${more}`);
    expect(await problemOf(share(world.room, name, 'one-more'))).toMatchObject({
      code: 'invalid_request',
      members: { issues: [{ path: 'group', message: expect.stringContaining('one more than the 100 groups') }] },
    });
    expect(await share(world.room, name, 'copies')).toHaveLength(100);
  });

  test('is shared with another group under a key of its own only, whichever process looks', async () => {
    const world = await openBackups();
    const name = await world.begin({ bypassDelegation: true });
    const { client, table, room } = world;
    const share = async (key: string, copies: string) => {
      const keys = requestKeysTable(client, table);
      const app = serve(backupRoutes({ ...room, owners: undefined as never, groups: { exists: async () => true } }), {
        keys,
      });
      const path = `/v1/groups/${group}/backups/${name.backupId}/share`;
      const headers = { 'content-type': 'application/json', 'Idempotency-Key': key };
      const answer = await app.request(path, { method: 'POST', headers, body: JSON.stringify({ group: copies }) });
      return { status: answer.status, body: await answer.json() };
    };
    const operation = `POST /v1/groups/${group}/backups/${name.backupId}/share`;
    const reused = { status: 422, body: { code: 'idempotency_key_reused', operation } };
    expect(await share('one', 'copies')).toEqual({ status: 200, body: { sharedWith: ['copies'] } });
    expect(await share('one', 'copies')).toEqual({ status: 200, body: { sharedWith: ['copies'] } });
    expect(await share('one', 'others')).toMatchObject(reused);
    expect(await share('two', 'others')).toMatchObject({ status: 200 });
    expect(await share('one', 'more'), 'also after another one').toMatchObject(reused);
  });

  test('can be taken back from a group that it was shared with', async () => {
    const world = await openBackups();
    const name = await world.begin({ bypassDelegation: true });
    for (const copies of ['copies', 'others']) await share(world.room, name, copies);
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
