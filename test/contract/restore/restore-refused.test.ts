import { randomUUID } from 'node:crypto';
import { gunzipSync, gzipSync } from 'node:zlib';
import { DeleteObjectCommand, GetObjectCommand, ListObjectsV2Command, PutObjectCommand } from '@aws-sdk/client-s3';
import { QueryCommand } from '@aws-sdk/lib-dynamodb';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { seal } from '../../../archive/format.ts';
import type { BackupRecord } from '../../../functions/backups/backup.ts';
import { attemptPlace } from '../../../functions/backups/bucket/archive-place.ts';
import { endBackup } from '../../../functions/backups/records.ts';
import { share, unshare } from '../../../functions/backups/requests.ts';
import { serve } from '../../../functions/platform/http.ts';
import { startRestore, type WithLaunch } from '../../../functions/restore/restore.ts';
import { restoreRoutes } from '../../../functions/restore/routes.ts';
import { groupKey } from '../../../leadership/keys.ts';
import { sha256 } from '../../support/backups/archives.ts';
import { initialise, memoryWriter } from '../../support/backups/memory-logs.ts';
import { checkpoint, submit } from '../../support/job-world.ts';
import { type ArchiveWorld, type BackupProcess, openArchives } from '../backups/archive-world.ts';

let archive: ArchiveWorld;
let service: BackupProcess;
let backup: BackupRecord;
const owner = `owner-${randomUUID()}`;

beforeAll(async () => {
  archive = await openArchives();
  service = archive.process();
  const { world, logs } = archive;
  const fence = await world.lead(owner);
  const job = `/groups/${owner}/jobs/j`;
  await submit(service.jobs, fence, job, { retain: 2 });
  await checkpoint(service.jobs, fence, job, 'the state');
  await initialise(logs, owner, 'events');
  await memoryWriter(logs.of(owner, 'events'), fence.fencingVersion).append('one', 'two');
  backup = await archive.backUp(service, owner);
  await service.cutter.release(owner, backup.backupId);
});
afterAll(() => archive.world.close());

/** A copy of the backup's files below a prefix that may be restored from. */
async function copyOfFiles() {
  const { s3, bucket } = archive.world;
  const from = attemptPlace(backup);
  const to = `copies/${randomUUID()}/`;
  const { Contents = [] } = await s3.send(new ListObjectsV2Command({ Bucket: bucket, Prefix: from }));
  const names = Contents.map(({ Key = '' }) => Key.slice(from.length)).filter((name) => !/^(progress|cut)-/.test(name));
  const files = {
    names,
    prefix: to,
    uri: `s3://${bucket}/${to}`,
    async read(name: string) {
      const { Body } = await s3.send(new GetObjectCommand({ Bucket: bucket, Key: `${to}${name}` }));
      return Buffer.from((await Body?.transformToByteArray()) ?? []);
    },
    put: (name: string, bytes: Uint8Array) =>
      s3.send(new PutObjectCommand({ Bucket: bucket, Key: `${to}${name}`, Body: bytes })),
    remove: (name: string) => s3.send(new DeleteObjectCommand({ Bucket: bucket, Key: `${to}${name}` })),
  };
  for (const name of names) {
    const { Body } = await s3.send(new GetObjectCommand({ Bucket: bucket, Key: `${from}${name}` }));
    await files.put(name, (await Body?.transformToByteArray()) ?? new Uint8Array());
  }
  return files;
}

const trusting = () => archive.process({ restoreSources: [`s3://${archive.world.bucket}/copies/`] });

async function call(process: BackupProcess, group: string, body: object, key: string = randomUUID()) {
  const { payloads } = process.jobs.room;
  const app = serve(restoreRoutes({ ...process.restores, payloads }));
  const response = await app.request(`/v1/groups/${group}/restore`, {
    method: 'POST',
    headers: { 'Idempotency-Key': key },
    body: JSON.stringify(body),
  });
  return { status: response.status, body: (await response.json()) as Record<string, string> };
}

async function itemsOf(group: string): Promise<string[]> {
  const { Items = [] } = await archive.world.other.send(
    new QueryCommand({
      TableName: archive.world.table,
      KeyConditionExpression: 'pk = :pk',
      ExpressionAttributeValues: { ':pk': groupKey(group) },
      ConsistentRead: true,
    }),
  );
  return Items.map(({ sk }) => String(sk));
}

async function expectNothingWritten(group: string) {
  const { s3, bucket } = archive.world;
  expect(await itemsOf(group)).toEqual([]);
  expect(await archive.logs.list(group)).toEqual([]);
  const { KeyCount } = await s3.send(new ListObjectsV2Command({ Bucket: bucket, Prefix: `groups/${group}/` }));
  expect(KeyCount).toBe(0);
}

test('the same key with another request is refused, whichever process has begun the restore', async () => {
  const files = await copyOfFiles();
  const [group, key] = [`keyed-${randomUUID()}`, randomUUID()];
  const begun = await call(trusting(), group, { uri: files.uri }, key);
  expect(begun.status).toBe(202);
  expect(await call(trusting(), group, { backupId: randomUUID() }, key)).toMatchObject({
    status: 422,
    body: { code: 'idempotency_key_reused' },
  });
  expect((await call(trusting(), group, { uri: files.uri }, key)).body['restoreId']).toBe(begun.body['restoreId']);
});

describe('a damaged backup is refused and nothing is written', () => {
  test('with a flipped byte in any of its files, or one missing', async () => {
    const files = await copyOfFiles();
    expect(files.names.length).toBeGreaterThanOrEqual(4);
    for (const name of files.names) {
      const bytes = await files.read(name);
      const flipped = Buffer.from(bytes);
      const place = Math.floor(bytes.length / 2);
      flipped[place] = (flipped[place] ?? 0) ^ 4;
      for (const change of [() => files.put(name, flipped), () => files.remove(name)]) {
        await change();
        const group = `damaged-${randomUUID()}`;
        const answer = await call(trusting(), group, { uri: files.uri });
        expect(answer, name).toMatchObject({ status: 422, body: { code: 'backup_damaged' } });
        await expectNothingWritten(group);
        await files.put(name, bytes);
      }
    }
    const group = `intact-${randomUUID()}`;
    expect(await trusting().restore({ group, uri: files.uri })).toMatchObject({ state: 'COMPLETED' });
  });

  test('with an entry of a type that this version does not know, however well its digests fit', async () => {
    const files = await copyOfFiles();
    const name = files.names.find((one) => one.startsWith('entries-')) ?? '';
    const bytes = gzipSync(`${gunzipSync(await files.read(name)).toString()}{"type":"wish"}\n`);
    const { seal: _seal, ...body } = JSON.parse((await files.read('manifest.json')).toString());
    body.files[0] = {
      name,
      bytes: bytes.length,
      sha256: sha256(bytes),
      entries: body.files[0].entries + 1,
      unpacked: gunzipSync(bytes).length,
    };
    body.counts.entries += 1;
    await files.put(name, bytes);
    await files.put('manifest.json', Buffer.from(seal(body)));
    const group = `unknown-${randomUUID()}`;
    const answer = await call(trusting(), group, { uri: files.uri });
    expect(answer).toMatchObject({ status: 422, body: { code: 'backup_damaged' } });
    expect(answer.body['detail']).toContain('unknown type');
    await expectNothingWritten(group);
  });

  test('found only by a later step: the restore fails and the group stays free', async () => {
    const files = await copyOfFiles();
    const group = `later-${randomUUID()}`;
    const process = trusting();
    const launched = { ...process.restores, clock: { now: () => 0 } };
    const begun = await startRestore(launched, { group, uri: files.uri, requestId: 'r' }, 0);
    expect(begun.state).toBe('VERIFYING');
    await files.remove(files.names.find((one) => one.startsWith('payloads/')) ?? '');
    const restored = await process.restore({ group, uri: files.uri }, 'r');
    expect(restored).toMatchObject({ state: 'FAILED', error: { code: 'backup_damaged' } });
    expect(await itemsOf(group)).toEqual([`RESTORE#${restored.restoreId}`]);
    await archive.world.lead(group);
  });
});

describe('who may restore what', () => {
  test('another group only once the owner has shared the backup with it', async () => {
    const uri = service.archives.uri(backup);
    const group = `guest-${randomUUID()}`;
    for (const wanted of [{ backupId: backup.backupId }, { uri }]) {
      const answer = await call(service, group, wanted);
      expect(answer).toMatchObject({ status: 403, body: { code: 'source_forbidden' } });
    }
    await expectNothingWritten(group);
    const room = { store: service.restores.store } as Parameters<typeof share>[0];
    await share(room, { group: owner, backupId: backup.backupId }, group);
    expect(await service.restore({ group, backupId: backup.backupId })).toMatchObject({ state: 'COMPLETED' });
    const third = `third-${randomUUID()}`;
    expect(await call(service, third, { backupId: backup.backupId })).toMatchObject({ status: 403 });
  });

  test('no longer once the owner has taken it back', async () => {
    const group = `guest-${randomUUID()}`;
    const room = { store: service.restores.store } as Parameters<typeof share>[0];
    const name = { group: owner, backupId: backup.backupId };
    await share(room, name, group);
    await unshare(room, name, group);
    for (const wanted of [{ backupId: backup.backupId }, { uri: service.archives.uri(backup) }]) {
      expect(await call(service, group, wanted)).toMatchObject({ status: 403, body: { code: 'source_forbidden' } });
    }
    await expectNothingWritten(group);
  });

  test('nobody what an attempt has left that was never verified, not even its own group', async () => {
    const group = `forger-${randomUUID()}`;
    const forged = await archive.record(group);
    const failure = { code: 'cancelled', message: 'played' };
    await endBackup({ store: archive.store, clock: archive.world.clock }, forged, failure);
    const { s3, bucket } = archive.world;
    const files = await copyOfFiles();
    for (const name of files.names) {
      const Key = `${attemptPlace({ ...forged, attempt: 1 })}${name}`;
      await s3.send(new PutObjectCommand({ Bucket: bucket, Key, Body: await files.read(name) }));
    }
    const uri = service.archives.uri(forged);
    expect(await call(service, group, { uri })).toMatchObject({ status: 422, body: { code: 'backup_damaged' } });
    const another = `s3://${bucket}/${attemptPlace({ ...backup, attempt: 7 })}`;
    expect(await call(service, owner, { uri: another })).toMatchObject({ status: 403 });
  });

  test('a backup whose manifest is another one than when it was completed is refused', async () => {
    const group = `swapped-${randomUUID()}`;
    const room = { store: service.restores.store } as Parameters<typeof share>[0];
    await share(room, { group: owner, backupId: backup.backupId }, group);
    const store: WithLaunch['store'] = {
      ...service.restores.store,
      async read(...name) {
        const stored = await service.restores.store.read(...name);
        return stored && { ...stored, record: { ...stored.record, manifestSha256: 'a'.repeat(64) } };
      },
    };
    const swapped = { ...service, restores: { ...service.restores, store } };
    expect(await call(swapped, group, { backupId: backup.backupId })).toMatchObject({
      status: 422,
      body: {
        code: 'backup_damaged',
        detail: expect.stringContaining('another one than when the backup was completed'),
      },
    });
    await expectNothingWritten(group);
  });

  test('the backup of a group that never existed is told from one that is not shared', async () => {
    const { bucket } = archive.world;
    const uri = `s3://${bucket}/backups/ordesr/${backup.backupId}/1/`;
    expect(await call(service, `lost-${randomUUID()}`, { uri })).toMatchObject({
      status: 404,
      body: { code: 'group_not_found', detail: expect.stringContaining('"ordesr"') },
    });
  });

  test('a text that cannot be an address is an invalid request, not a failure of the service', async () => {
    const group = `hostile-${randomUUID()}`;
    const { bucket } = archive.world;
    const copies = `s3://${bucket}/copies/`;
    const hostile = [
      `${copies}\u0000/`,
      `${copies}\u001b[2J/`,
      `${copies}\ud800/`,
      copies + 'x'.repeat(5_000),
      copies + 'ü'.repeat(500),
    ];
    for (const uri of hostile) {
      expect(await call(trusting(), group, { uri }), JSON.stringify(uri)).toMatchObject({
        status: 400,
        body: { code: 'invalid_request' },
      });
    }
    expect((await call(trusting(), group, { uri: `${copies}ünterlagen 1/` })).status).toBe(422);
    await expectNothingWritten(group);
  });

  test('an unknown backup is not found; what is not listed, or no place at all, is forbidden', async () => {
    const group = `lost-${randomUUID()}`;
    expect(await call(service, group, { backupId: randomUUID() })).toMatchObject({
      status: 404,
      body: { code: 'not_found' },
    });
    const { bucket } = archive.world;
    const places = [
      'file://host/somewhere/',
      's3://elsewhere/backups/',
      `s3://${bucket}/copies-2/x/`,
      `s3://${bucket}/copies/../backups/${owner}/`,
      `s3://${bucket}/backups/${owner}/${backup.backupId}/`,
      `s3://${bucket}/restores/${owner}/x/`,
      'https://example.com/',
    ];
    for (const uri of places) {
      expect(await call(trusting(), group, { uri }), uri).toMatchObject({
        status: 403,
        body: { code: 'source_forbidden' },
      });
    }
    for (const body of [{}, { uri: '' }]) expect(await call(service, group, body)).toMatchObject({ status: 400 });
    await expectNothingWritten(group);
  });

  test('a group with a leader, with jobs or with a log is not empty', async () => {
    const { world, logs } = archive;
    expect(await call(service, owner, { backupId: backup.backupId })).toMatchObject({
      status: 409,
      body: { code: 'group_not_empty' },
    });
    const led = `led-${randomUUID()}`;
    await world.lead(led);
    const logged = `logged-${randomUUID()}`;
    await initialise(logs, logged, 'events');
    for (const group of [led, logged]) {
      const room = { store: service.restores.store } as Parameters<typeof share>[0];
      await share(room, { group: owner, backupId: backup.backupId }, group);
      const before = await itemsOf(group);
      expect(await call(service, group, { backupId: backup.backupId })).toMatchObject({
        status: 409,
        body: { code: 'group_not_empty' },
      });
      expect(await itemsOf(group)).toEqual(before);
    }
  });

  test('the same request again gets the same restore', async () => {
    const files = await copyOfFiles();
    const group = `again-${randomUUID()}`;
    const answers = await Promise.all([1, 2, 3].map(() => call(trusting(), group, { uri: files.uri }, 'key')));
    const ids = new Set(answers.map(({ body }) => body['restoreId']));
    expect(answers.map(({ status }) => status)).toEqual([202, 202, 202]);
    expect(ids.size).toBe(1);
  });
});
