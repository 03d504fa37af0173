import { DeleteObjectCommand, PutObjectCommand } from '@aws-sdk/client-s3';
import { GetCommand, UpdateCommand } from '@aws-sdk/lib-dynamodb';
import { beforeEach, describe, expect, test } from 'vitest';
import type { Fence } from '../../../api/fence.ts';
import { collectPage } from '../../../functions/jobs/clean-up/collector.ts';
import { eachInItsGroup } from '../../support/job-scene.ts';
import { checkpoint, download, type JobWorld, type Process, uploadBytes } from '../../support/job-world.ts';

let world: JobWorld;
let api: Process;
let leader: Fence;
let name: string;
let group: string;
let job: string;
let uploads: string[];

eachInItsGroup('damage', (scene) => {
  ({ world, api, leader, name, group } = scene);
});
/** Two healthy jobs around one whose last three checkpoints are kept. */
beforeEach(async () => {
  job = `${group}/jobs/b-hurt`;
  uploads = [];
  for (const id of ['a', 'b-hurt', 'c']) {
    const uploadId = await uploadBytes(api, leader, `${group}/jobs/${id}`, `graph of ${id}`, 'graph');
    await api.call('PUT', `${group}/jobs/${id}`, { graph: { uploadId }, retain: 3 }, leader);
    if (id === 'b-hurt') uploads.push(uploadId);
  }
  for (const state of ['one', 'two', 'three']) uploads.push((await checkpoint(api, leader, job, state)).uploadId);
});

const key = (uploadId = '') => `groups/${name}/jobs/b-hurt/${uploadId}`;
const lose = (uploadId?: string) =>
  world.s3.send(new DeleteObjectCommand({ Bucket: world.bucket, Key: key(uploadId) }));
const alter = (uploadId: string | undefined, Body: string) =>
  world.s3.send(new PutObjectCommand({ Bucket: world.bucket, Key: key(uploadId), Body }));
const recover = async (body = {}) => (await api.call('POST', `${group}/recovery`, body, leader)).body;
const jobIds = ({ jobs }: { jobs: { jobId: string }[] }) => jobs.map(({ jobId }) => jobId);

const Key = () => ({ pk: `GROUP#${name}`, sk: 'JOB#b-hurt' });
const deform = (UpdateExpression: string, values?: Record<string, unknown>) =>
  world.other.send(
    new UpdateCommand({
      TableName: world.table,
      Key: Key(),
      UpdateExpression,
      ...(values ? { ExpressionAttributeValues: values } : {}),
    }),
  );

describe.each([
  ['is gone', () => lose(uploads[3]), 'checkpoint 3: its payload is missing'],
  ['was altered', () => alter(uploads[3], 'THREE'), 'checkpoint 3: its payload has the checksum (none) instead of'],
  [
    'has another size',
    () => alter(uploads[3], 'longer than three'),
    'checkpoint 3: its payload has 17 bytes instead of 5',
  ],
  [
    'has a malformed reference',
    () => deform('SET checkpoints[0] = :x', { ':x': { bytes: 'many' } }),
    'checkpoint 3: its reference is malformed',
  ],
])('the newest checkpoint %s', (_, hurt, reason) => {
  test('fail: the job is listed as damaged and does not hold up the others', async () => {
    await hurt();
    const recovered = await recover();
    expect(jobIds(recovered)).toEqual(['a', 'c']);
    expect(recovered.damaged).toEqual([{ jobId: 'b-hurt', reason: expect.stringContaining(reason) }]);
    expect((await api.call('GET', job)).body).toMatchObject({ state: 'ACTIVE' });
  });

  test('fallback: the next older intact checkpoint is taken, and said', async () => {
    await hurt();
    await lose(uploads[2]);
    const recovered = await recover({ onDamaged: 'fallback' });
    expect(jobIds(recovered)).toEqual(['a', 'b-hurt', 'c']);
    expect(recovered.damaged).toEqual([{ jobId: 'b-hurt', reason: expect.stringContaining(reason), fellBackTo: 1 }]);
    expect(recovered.jobs[1]).toMatchObject({ checkpoint: { checkpointId: 1 }, nextCheckpointId: 4 });
    expect(await download(recovered.jobs[1].checkpoint.url)).toBe('one');
    expect((await checkpoint(api, leader, job, 'four', { expectedCheckpointId: 4 })).body.checkpointId).toBe(4);
  });
});

test('fallback without an intact checkpoint refuses, it does not start the job from nothing', async () => {
  for (const uploadId of uploads.slice(1)) await lose(uploadId);
  const recovered = await recover({ onDamaged: 'fallback' });
  expect(jobIds(recovered)).toEqual(['a', 'c']);
  expect(recovered.damaged).toEqual([{ jobId: 'b-hurt', reason: 'checkpoint 3: its payload is missing' }]);
});

test('a job whose graph is gone or altered is damaged, whatever its checkpoints', async () => {
  await alter(uploads[0], 'graph of B-HURT');
  expect((await recover({ onDamaged: 'fallback' })).damaged).toEqual([
    { jobId: 'b-hurt', reason: expect.stringContaining('graph: its payload has the checksum') },
  ]);
  await lose(uploads[0]);
  expect((await recover()).damaged).toEqual([{ jobId: 'b-hurt', reason: 'graph: its payload is missing' }]);
  const uploadId = await uploadBytes(api, leader, job, 'a new graph', 'graph');
  await api.call('PUT', job, { graph: { uploadId } }, leader);
  expect(jobIds(await recover())).toEqual(['a', 'b-hurt', 'c']);
});

describe.each([
  ['no registers', 'REMOVE checkpoints, commits'],
  ['no state', 'REMOVE #state'],
  ['no counter', 'SET nextCheckpointId = :x'],
  ['a fence that is no number', 'SET fence = :x'],
])('a record with %s', (_, expression) => {
  beforeEach(() =>
    world.other.send(
      new UpdateCommand({
        TableName: world.table,
        Key: Key(),
        UpdateExpression: expression,
        ...(expression.includes('#state') ? { ExpressionAttributeNames: { '#state': 'state' } } : {}),
        ...(expression.includes(':x') ? { ExpressionAttributeValues: { ':x': 'deformed' } } : {}),
      }),
    ),
  );

  test('is listed as damaged, the other jobs recover', async () => {
    for (const onDamaged of ['fail', 'fallback']) {
      const recovered = await recover({ onDamaged });
      expect(jobIds(recovered)).toEqual(['a', 'c']);
      expect(recovered.damaged).toEqual([
        { jobId: 'b-hurt', reason: expect.stringContaining('its record is malformed') },
      ]);
    }
  });

  test('takes no commit, and loses no payload to the collector', async () => {
    const { status, body } = await checkpoint(api, leader, job, 'four');
    expect({ status, code: body.code }).toEqual({ status: 409, code: 'job_damaged' });
    expect((await api.call('GET', job)).body.code).toBe('job_damaged');
    const before = await api.room.payloads.list(key(), undefined);
    const { orphans } = await collectPage(api.room, { group: name, dryRun: false });
    expect(orphans).toEqual([]);
    expect(await api.room.payloads.list(key(), undefined)).toEqual(before);
  });
});

test('parts of a record that a commit does not refer to stay as they are', async () => {
  await deform('SET mine = :x', { ':x': 'a note' });
  await checkpoint(api, leader, job, 'four');
  const { Item } = await world.other.send(new GetCommand({ TableName: world.table, Key: Key() }));
  expect(Item?.['mine']).toBe('a note');
});

test('discardOlder drops all but the checkpoint that was taken, after it was verified', async () => {
  await lose(uploads[3]);
  const recovered = await recover({ onDamaged: 'fallback', discardOlder: true });
  expect(recovered.damaged).toEqual([expect.objectContaining({ fellBackTo: 2 })]);
  const left = (await api.call('GET', `${job}/checkpoints`)).body.items;
  expect(left).toMatchObject([{ checkpointId: 2 }]);
  expect(await download(left[0].url)).toBe('two');
  const { items } = await api.room.payloads.list(key(), undefined);
  expect(items.map((item) => item.key).sort()).toEqual([key(uploads[0]), key(uploads[2])].sort());
  expect((await checkpoint(api, leader, job, 'four')).body).toEqual({ checkpointId: 4, retained: [2, 4] });
});
