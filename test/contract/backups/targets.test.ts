import { randomUUID } from 'node:crypto';
import { CreateBucketCommand, ListObjectsV2Command } from '@aws-sdk/client-s3';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { cleanUp } from '../../../functions/backups/attempt/conclusion.ts';
import { toBackupView } from '../../../functions/backups/backup-view.ts';
import { explain, remove } from '../../../functions/backups/requests.ts';
import { policyRoutes } from '../../../functions/backups/schedule/policy-routes.ts';
import { policyTable } from '../../../functions/backups/schedule/policy-table.ts';
import { register } from '../../../functions/backups/worker/workers.ts';
import { serve } from '../../../functions/platform/http.ts';
import { plainOptions } from '../../support/backups/begun-backup.ts';
import { checkpoint, submit } from '../../support/job-world.ts';
import { problemOf } from '../leadership/room.ts';
import { type ArchiveWorld, type BackupProcess, openArchives } from './archive-world.ts';
import { group, openBackups } from './world.ts';

const listed = 's3://vault/tenure/';

async function openAllowing(...backupTargets: string[]) {
  const world = await openBackups();
  Object.assign(world.room, { settings: { ...world.room.settings, backupTargets } });
  return world;
}

describe('a request that names a target', () => {
  test('is refused unless the deployment lists a prefix above it', async () => {
    const world = await openAllowing(listed);
    for (const target of ['s3://vault/other/', 's3://vault/tenure-2/', 's3://vault2/tenure/', 's3://vault/tenur']) {
      expect(await problemOf(world.begin({ bypassDelegation: true, target })), target).toMatchObject({
        code: 'target_forbidden',
        detail: expect.stringContaining(listed),
      });
    }
    const none = await openBackups();
    expect(await problemOf(none.begin({ bypassDelegation: true, target: listed }))).toMatchObject({
      code: 'target_forbidden',
      detail: expect.stringContaining('which is empty'),
    });
    expect(await problemOf(explain(world.room, group, { ...plainOptions, target: 's3://vault/other/' }))).toMatchObject(
      { code: 'target_forbidden' },
    );
  });

  test.each(['s3://vault/tenure', 's3://vault/tenure/', 's3://vault/tenure/nightly'])(
    '%s may have it, and its status says so',
    async (target) => {
      const world = await openAllowing(listed);
      const record = await world.begin({ bypassDelegation: true, target });
      expect(toBackupView(record, record, world.clock.now())).toMatchObject({ target });
    },
  );

  test('contradicts itself: a folder without a worker, a bucket on a disk', async () => {
    const world = await openAllowing(listed);
    for (const options of [
      { target: 'file:///srv/backups', allowLeader: true },
      { target: 'file:///srv/backups', bypassDelegation: true },
      { target: listed, localFileSystem: true, allowLeader: true },
    ]) {
      expect(await problemOf(world.begin(options)), JSON.stringify(options)).toMatchObject({ code: 'invalid_request' });
    }
  });

  test('that is a folder is refused where no worker takes backups', async () => {
    const world = await openBackups();
    Object.assign(world.room, { settings: { ...world.room.settings, delegation: 'off' } });
    expect(await problemOf(world.begin({ target: 'file:///srv/backups' }))).toMatchObject({ code: 'target_forbidden' });
  });
});

describe('a worker', () => {
  const started = (world: Awaited<ReturnType<typeof openBackups>>, worker: string, folders: string[]) =>
    register(world.room, { group, worker }, { host: `${worker}.example`, folders });

  test('is offered the place below the target', async () => {
    const world = await openAllowing(listed);
    await world.register('w1');
    const { backupId } = await world.accepted({ target: listed });
    expect(await world.record(backupId)).toMatchObject({ state: 'TRANSITIONING' });
    const posted = await world.room.workers.posted(group, 'w1', `${backupId}.1.backup`);
    const prefix = `s3://vault/tenure/${group}/${backupId}/1/`;
    expect(posted?.command).toMatchObject({ target: { type: 's3', prefix } });
  });

  test('is chosen for a folder of its own only if it was started with it, and is told which', async () => {
    const world = await openBackups();
    await started(world, 'right', ['/srv/first', '/srv/backups']);
    world.clock.time += 1_000;
    await started(world, 'wrong', ['/srv/first']);
    const { backupId, worker } = await world.accepted({ target: 'file:///srv/backups/' });
    expect(worker).toBe('right');
    const posted = await world.room.workers.posted(group, 'right', `${backupId}.1.backup`);
    expect(posted?.command).toMatchObject({ target: { type: 'file', folder: '/srv/backups' } });
  });

  test('that does not keep backups there is no candidate, and the refusal says what to start', async () => {
    const world = await openBackups();
    await started(world, 'wrong', ['/srv/first']);
    expect(await problemOf(world.begin({ target: 'file:///srv/backups' }))).toMatchObject({
      code: 'no_worker',
      detail: expect.stringContaining('start it with --local-dir /srv/backups'),
    });
  });
});

describe('a policy', () => {
  test('may name a target that the deployment lists, and no other', async () => {
    const world = await openAllowing(listed);
    const { clock, settings } = world.room;
    const app = serve(policyRoutes({ policies: policyTable(world.client, world.table), clock, settings }));
    const put = async (target: string) => {
      const body = JSON.stringify({ everyMs: 3_600_000, retain: 2, target });
      const headers = { 'content-type': 'application/json' };
      const answer = await app.request(`/v1/groups/${group}/backup-policy`, { method: 'PUT', headers, body });
      return { status: answer.status, body: await answer.json() };
    };
    expect(await put(listed)).toMatchObject({ status: 200, body: { target: listed } });
    expect(await put('s3://elsewhere/tenure/')).toMatchObject({ status: 403, body: { code: 'target_forbidden' } });
    expect(await put('https://vault/tenure/')).toMatchObject({ status: 400 });
  });
});

describe('the files of a backup with a target', () => {
  let archive: ArchiveWorld;
  let service: BackupProcess;
  const owner = `owner-${randomUUID()}`;
  const vault = `vault-${randomUUID()}`;
  const target = `s3://${vault}/tenure/`;
  const keysIn = async (Bucket: string, Prefix = '') => {
    const { Contents = [] } = await archive.world.s3.send(new ListObjectsV2Command({ Bucket, Prefix }));
    return Contents.map(({ Key = '' }) => Key.slice(Prefix.length)).sort();
  };

  beforeAll(async () => {
    archive = await openArchives();
    service = archive.process();
    await archive.world.s3.send(new CreateBucketCommand({ Bucket: vault }));
    const fence = await archive.world.lead(owner);
    const job = `/groups/${owner}/jobs/j`;
    await submit(service.jobs, fence, job, { retain: 2 });
    await checkpoint(service.jobs, fence, job, 'the state');
  });
  afterAll(() => archive.world.close());

  test('lie there and nowhere else, are verified, listed, restored and deleted there', async () => {
    const { store, world } = archive;
    const backup = await archive.backUp(service, owner, async () => undefined, { target });
    await service.cutter.release(owner, backup.backupId);
    const home = `tenure/${owner}/${backup.backupId}/1/`;
    const files = await keysIn(vault, home);
    expect(files).toContain('manifest.json');
    expect(files.some((name) => name.startsWith('payloads/'))).toBe(true);
    expect(await keysIn(vault)).toEqual(files.map((name) => `${home}${name}`));
    const here = await keysIn(world.bucket, `backups/${owner}/${backup.backupId}/`);
    expect(here.filter((name) => !/^1\/(cut|progress)-/.test(name))).toEqual([]);
    expect(backup.uri).toBe(`s3://${vault}/${home}`);

    const { items } = await service.archives.files(backup, 0, 100);
    expect(items.map(({ name }) => name).sort()).toEqual(files.filter((name) => !/^(cut|progress)-/.test(name)));
    const [manifest] = items;
    expect((await fetch(String(manifest?.url))).status).toBe(200);

    const uri = String(backup.uri);
    for (const [request, into] of [
      [{ backupId: backup.backupId }, `copy-${randomUUID()}`],
      [{ uri }, `copy-${randomUUID()}`],
    ] as const) {
      await expect(service.restore({ group: into, ...request })).rejects.toMatchObject({ code: 'source_forbidden' });
      await store.replace((await store.read(owner, backup.backupId)) ?? fail(), { ...backup, sharedWith: [into] });
      expect(await service.restore({ group: into, ...request })).toMatchObject({ state: 'COMPLETED' });
      expect(await service.jobs.room.jobs.read({ group: into, jobId: 'j' })).toMatchObject({ state: 'ACTIVE' });
    }
    await expect(
      service.restore({ group: `thief-${randomUUID()}`, uri: `s3://${vault}/tenure/${owner}/${randomUUID()}/1/` }),
    ).rejects.toMatchObject({ code: 'source_forbidden' });

    const room = { ...service, store, clock: world.clock } as unknown as Parameters<typeof cleanUp>[0];
    await remove(room, { group: owner, backupId: backup.backupId, requestId: 'rm' }, () => false);
    expect(await keysIn(vault), 'left to the sweep, which only has the note').toHaveLength(files.length);
    await cleanUp(room, { group: owner, backupId: backup.backupId });
    expect(await keysIn(vault)).toEqual([]);
    expect(await keysIn(world.bucket, `backups/${owner}/`)).toEqual([]);
  });
});

function fail(): never {
  throw new Error('The backup has gone');
}
