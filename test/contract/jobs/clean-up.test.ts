import { GetCommand } from '@aws-sdk/lib-dynamodb';
import { afterEach, beforeEach, describe, expect, inject, test } from 'vitest';
import type { Fence } from '../../../api/fence.ts';
import { cleanUp } from '../../../functions/jobs/clean-up/clean-up.ts';
import { collectAll } from '../../../functions/jobs/clean-up/collect-all.ts';
import { collectPage } from '../../../functions/jobs/clean-up/collector.ts';
import { deletesHeld, drop, releaseDeletes } from '../../../functions/jobs/payloads/held-deletes.ts';
import {
  checkpoint,
  download,
  type JobWorld,
  openJobWorld,
  type Process,
  submit,
  uploadBytes,
} from '../../support/job-world.ts';

let world: JobWorld;
let api: Process;
let leader: Fence;
let tests = 0;
let name: string;
let job: string;

beforeEach(async () => {
  // One world each: the clean-up and the collector look at all groups.
  world = await openJobWorld(inject('dynamodb'));
  tests += 1;
  name = `clean-${tests}`;
  job = `/groups/${name}/jobs/nightly`;
  api = world.process();
  leader = await world.lead(name, 3_600_000);
});

afterEach(() => world.close());

const objects = async () => (await api.room.payloads.list('groups/', undefined)).items.map(({ key }) => key);
const finish = () => api.call('POST', `${job}/finish`, { result: 'succeeded' }, leader);
const always = () => Number.POSITIVE_INFINITY;
const item = async () => {
  const Key = { pk: `GROUP#${name}`, sk: 'JOB#nightly' };
  return (await world.other.send(new GetCommand({ TableName: world.table, Key, ConsistentRead: true }))).Item;
};

describe('the clean-up of finished jobs', () => {
  test('deletes checkpoints and graph, keeps the result for the time that was set, then is done', async () => {
    await submit(api, leader, job, { retain: 3 });
    for (const state of ['a', 'b']) await checkpoint(api, leader, job, state);
    await submit(api, leader, `/groups/${name}/jobs/other`);
    expect(await cleanUp(api.room, always)).toEqual({ cleaned: 0, left: 0 });
    await finish();
    const finishedAt = world.clock.now();
    expect(await objects()).toHaveLength(4);
    expect(await cleanUp(api.room, always)).toEqual({ cleaned: 1, left: 0 });
    expect(await objects()).toEqual([expect.stringContaining('/other/')]);
    expect((await api.call('GET', job)).body).toMatchObject({ state: 'CLEANED', result: 'succeeded', checkpoints: [] });
    expect((await item())?.['ttl']).toBeCloseTo(finishedAt / 1_000 + 7 * 24 * 3_600, -1);
    expect(await cleanUp(api.room, always)).toEqual({ cleaned: 0, left: 0 });
  });

  test('is tried again until every payload is gone, also after it died at any point', async () => {
    await submit(api, leader, job, { retain: 2 });
    for (const state of ['a', 'b']) await checkpoint(api, leader, job, state);
    await finish();
    api.s3.plan = () => 'throttle';
    expect(await cleanUp(api.room, always)).toEqual({ cleaned: 0, left: 1 });
    api.s3.plan = () => undefined;
    expect((await api.call('GET', job)).body.state).toBe('FINISHED');
    const dying = world.process();
    dying.s3.once('crash after', 'DeleteObjectsCommand');
    await cleanUp(dying.room, always);
    const dyingLater = world.process();
    dyingLater.dynamodb.once('crash after', 'TransactWriteItemsCommand');
    await expect(cleanUp(dyingLater.room, always)).rejects.toThrow('The process ended here');
    expect(await cleanUp(world.process().room, always)).toEqual({ cleaned: 0, left: 0 });
    expect((await api.call('GET', job)).body.state).toBe('CLEANED');
    expect(await objects()).toEqual([]);
  });

  test('keeps savepoints, and the record with them, until they are deleted by name', async () => {
    await submit(api, leader, job);
    const { body } = await checkpoint(api, leader, job, 'keep me', { kind: 'savepoint' });
    await checkpoint(api, leader, job, 'state');
    await finish();
    await cleanUp(api.room, always);
    expect((await api.call('GET', job)).body).toMatchObject({
      state: 'CLEANED',
      savepoints: [{ checkpointId: body.checkpointId }],
    });
    expect(await item()).not.toHaveProperty('ttl');
    const { url } = (await api.call('GET', `${job}/checkpoints/${body.checkpointId}`)).body;
    expect(await download(url)).toBe('keep me');
    await collectPage(api.room, { dryRun: false });
    expect(await objects()).toHaveLength(1);
    expect((await api.call('DELETE', `${job}/savepoints/${body.checkpointId}`, {}, leader)).body).toEqual({
      discarded: 1,
    });
    expect(await objects()).toEqual([]);
    expect(await item()).toHaveProperty('ttl');
  });
});

describe('the orphan collector', () => {
  test('deletes what nothing refers to once it is older than the grace, and nothing else', async () => {
    const graph = await uploadBytes(api, leader, job, 'graph', 'graph');
    await api.call('PUT', job, { graph: { uploadId: graph }, retain: 2 }, leader);
    const committed = [];
    for (const state of ['a', 'b', 'c']) committed.push((await checkpoint(api, leader, job, state)).uploadId);
    const { uploadId: savepoint } = await checkpoint(api, leader, job, 'save', { kind: 'savepoint' });
    const orphan = await uploadBytes(api, leader, job, 'never committed');
    const ofNobody = await uploadBytes(api, leader, `/groups/${name}/jobs/never-submitted`, 'x', 'graph');
    const day = world.process(24 * 3_600_000);

    expect((await collectPage(day.room, { dryRun: false })).orphans).toEqual([]);
    world.advance(24 * 3_600_000 + 1_000);
    const young = await uploadBytes(api, leader, job, 'may be committed yet');
    const dry = await collectPage(day.room, { dryRun: true });
    expect(dry.orphans.map(({ key }) => key.split('/').at(-1)).sort()).toEqual([orphan, ofNobody].sort());
    expect(await objects()).toHaveLength(7);
    await collectPage(day.room, { dryRun: false });
    const left = (await objects()).map((key) => key.split('/').at(-1));
    expect(left.sort()).toEqual([graph, committed[1], committed[2], savepoint, young].sort());
  });

  test('goes through many pages with bounded requests, and on where the last run stopped', async () => {
    const put = (index: number) =>
      api.room.payloads.put(
        `groups/${name}/jobs/job-${index % 7}/${'0190b6c0-0000-7000-8000-'}${String(index).padStart(12, '0')}`,
        Buffer.from('x'),
        '2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881',
      );
    const total = 1_020;
    for (let at = 0; at < total; at += 60) await Promise.all(Array.from({ length: 60 }, (_, more) => put(at + more)));
    const collector = world.process();
    const noTime = () => 0;
    expect(await collectAll(collector.room, noTime)).toMatchObject({ scanned: 1_000, orphans: 1_000 });
    expect(await collectAll(world.process().room, noTime)).toMatchObject({ scanned: 20, orphans: 20 });
    expect(await objects()).toEqual([]);
    expect(collector.s3.sent.map(({ command }) => command)).toEqual(['ListObjectsV2Command', 'DeleteObjectsCommand']);
    expect(await collectAll(world.process().room, always)).toEqual({ scanned: 0, orphans: 0, bytes: 0 });
  });

  test('passes over a group that S3 does not list in time, and collects those around it', async () => {
    // Of these the one with a hyphen is the first by its name and the second by its keys.
    const groups = [name, `${name}-b`, `${name}.c`, `${name}0`];
    for (const group of groups) {
      const fence = await world.lead(group, 3_600_000);
      await uploadBytes(api, fence, `/groups/${group}/jobs/nightly`, `of ${group}`);
    }
    const inOrder = groups.map((group) => `groups/${group}/`).sort();
    const [, marked = ''] = inOrder;
    const { room, s3 } = world.process();
    // A listing that begins before its delete markers and would have to step over them.
    s3.plan = (command, input) => {
      if (command !== 'ListObjectsV2Command') return undefined;
      const after = String(input['StartAfter'] ?? '');
      const before = inOrder.filter((prefix) => prefix < marked && `${prefix}~` > after);
      return before.length === 0 && after < `${marked}~` ? 'request lost' : undefined;
    };
    await room.registry.writePlace(`${inOrder[0]}~`);
    const runs: number[] = [];
    for (let run = 0; run < 3; run += 1) runs.push((await collectAll(room, always)).orphans);
    // The rest of the group before it, it itself, then the two behind it and, once around, the first two.
    expect(runs).toEqual([0, 0, 4]);
    s3.plan = () => undefined;
    expect(await collectAll(room, always)).toMatchObject({ scanned: 0, orphans: 0 });
  });

  test('begins anew when no group is left behind one that cannot be listed', async () => {
    await uploadBytes(api, leader, job, 'never committed');
    const { room, s3 } = world.process();
    await room.registry.writePlace('groups/zzz/jobs/a');
    s3.plan = (_command, input) => (String(input['StartAfter'] ?? '') > 'groups/zzz' ? 'request lost' : undefined);
    await collectAll(room, always);
    await collectAll(room, always);
    expect(await collectAll(room, always)).toMatchObject({ scanned: 1, orphans: 1 });
  });

  test('tells an operator what it would delete, and what it has deleted, of that group alone', async () => {
    await submit(api, leader, job);
    const orphan = await uploadBytes(api, leader, job, 'never committed');
    await uploadBytes(api, leader, `/groups/${name}-2/jobs/nightly`, 'of another group');
    const collect = (body: object) => api.call('POST', `/groups/${name}/orphans/collect`, body);
    const key = `groups/${name}/jobs/nightly/${orphan}`;
    const collected = [{ key, bytes: 15, modifiedAt: expect.stringMatching(/^\d{4}-.*Z$/) }];
    const answer = { status: 200, body: { collected, scanned: 2, held: false, graceMs: 0 } };
    expect(await collect({ dryRun: true })).toEqual(answer);
    expect(await objects()).toHaveLength(3);
    expect(await collect({})).toEqual(answer);
    expect(await collect({})).toEqual({ status: 200, body: { ...answer.body, collected: [], scanned: 1 } });
    expect(await objects()).toHaveLength(2);
    expect((await collect({ cursor: Buffer.from('groups/another/jobs/x').toString('base64url') })).status).toBe(400);
  });

  test('leaves keys alone that no upload has', async () => {
    for (const key of [`groups/${name}/jobs/nightly/readme.txt`, `groups/${name}/other`, 'groups/x'])
      await api.room.payloads.put(
        key,
        Buffer.from('x'),
        '2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881',
      );
    expect((await collectPage(api.room, { dryRun: false })).orphans).toEqual([]);
    expect(await objects()).toHaveLength(3);
  });
});

describe('while a backup holds the deletes of a group', () => {
  const backup = 'backup-1';
  beforeEach(async () => {
    await submit(api, leader, job);
    await checkpoint(api, leader, job, 'recorded');
    expect(await api.room.held.hold(name, backup)).toBe(true);
  });

  test('a recorded checkpoint stays until it is released, then goes', async () => {
    const recorded = await api.room.held.holdJob({ group: name, jobId: 'nightly' }, backup);
    expect(recorded).toMatchObject({ checkpoints: [{ checkpointId: 1 }], heldBy: backup });
    for (const state of ['two', 'three']) expect((await checkpoint(api, leader, job, state)).status).toBe(201);
    await api.call('DELETE', `${job}/checkpoints`, {}, leader);
    await finish();
    expect(await cleanUp(api.room, always)).toEqual({ cleaned: 0, left: 1 });
    expect((await collectPage(api.room, { group: name, dryRun: false })).held).toBe(true);
    expect(await objects()).toHaveLength(4);
    expect(await deletesHeld(api.room, name)).toBe(true);

    const dying = world.process();
    dying.s3.once('crash after', 'DeleteObjectsCommand');
    await releaseDeletes(dying.room, name, backup).catch(() => undefined);
    await releaseDeletes(api.room, name, backup);
    expect(await deletesHeld(api.room, name)).toBe(false);
    expect(await objects()).toHaveLength(1);
    expect(await cleanUp(api.room, always)).toEqual({ cleaned: 1, left: 0 });
    expect(await objects()).toEqual([]);
  });

  test('a job that it has not recorded yet is not held up, nor is another group', async () => {
    await checkpoint(api, leader, job, 'two');
    expect(await objects()).toHaveLength(2);
    const other = await world.lead('another');
    await uploadBytes(api, other, '/groups/another/jobs/j', 'orphan');
    expect((await collectPage(api.room, { dryRun: false })).orphans).toHaveLength(1);
  });

  test('a commit still costs one write, and one more for the delete that waits', async () => {
    await api.room.held.holdJob({ group: name, jobId: 'nightly' }, backup);
    const from = api.dynamodb.sent.length;
    await checkpoint(api, leader, job, 'two');
    const commands = api.dynamodb.sent.slice(from).map(({ command }) => command);
    // The upload looks at the leadership once.
    expect(commands).toEqual(['GetItemCommand', 'UpdateItemCommand', 'PutItemCommand']);
  });

  test('deletes that wait for it survive the clean-up of an older backup, however late and often that comes', async () => {
    await api.room.held.holdJob({ group: name, jobId: 'nightly' }, backup);
    await checkpoint(api, leader, job, 'two');
    await releaseDeletes(api.room, name, backup);
    const recorded = await objects();
    await api.room.held.hold(name, 'backup-2');
    await api.room.held.holdJob({ group: name, jobId: 'nightly' }, 'backup-2');
    await checkpoint(api, leader, job, 'three');
    await releaseDeletes(api.room, name, backup);
    expect(await objects()).toEqual(expect.arrayContaining(recorded));
    await releaseDeletes(api.room, name, 'backup-2');
    expect(await objects()).toHaveLength(2);
  });

  test('deletes deferred for a backup whose clean-up is over go with the orphans', async () => {
    const held = await api.room.held.holdJob({ group: name, jobId: 'nightly' }, backup);
    const { body } = await checkpoint(api, leader, job, 'two');
    expect(body).toMatchObject({ checkpointId: 2 });
    await releaseDeletes(api.room, name, backup);
    const late = await uploadBytes(api, leader, job, 'dropped by a commit that saw the hold just before');
    if (!held || 'damage' in held) throw new Error('The job was not recorded');
    await drop(api.room, held, [late]);
    expect(await objects()).toHaveLength(3);
    await collectPage(api.room, { group: name, dryRun: false });
    expect(await objects()).toHaveLength(2);
  });

  test('only one backup holds a group, and only it releases it', async () => {
    expect(await api.room.held.hold(name, 'backup-2')).toBe(false);
    expect(await api.room.held.hold(name, backup)).toBe(true);
    await releaseDeletes(api.room, name, 'backup-2');
    expect(await api.room.held.heldBy(name)).toBe(backup);
  });
});
