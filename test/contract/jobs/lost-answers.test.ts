import { expect, test } from 'vitest';
import type { Fence } from '../../../api/fence.ts';
import { eachInItsGroup } from '../../support/job-scene.ts';
import { checkpoint, type JobWorld, type Process, submit, uploadBytes } from '../../support/job-world.ts';

let world: JobWorld;
let api: Process;
let leader: Fence;
let name: string;
let job: string;

eachInItsGroup('lost', (scene) => {
  ({ world, api, leader, name, job } = scene);
});

/**
 * The function dies right after its write took effect: the caller gets no answer, and nothing after the write happens.
 */
async function answerLost(command: string, method: string, path: string, body: unknown, more?: Record<string, string>) {
  const dying = world.process();
  dying.dynamodb.once('crash after', command);
  expect((await dying.call(method, path, body, leader, more)).status).toBe(500);
  expect(dying.dynamodb.sent.at(-1)).toMatchObject({ command });
}

const objects = async () => (await api.room.payloads.list(`groups/${name}/`, undefined)).items.map(({ key }) => key);
const commit = (uploadId: string, more: object = {}) =>
  api.call('POST', `${job}/checkpoints`, { uploadId, ...more }, leader);
const ids = async () =>
  (await api.call('GET', `${job}/checkpoints`)).body.items.map((one: { checkpointId: number }) => one.checkpointId);

test('submit: the retry is told of the first try, and there is one job', async () => {
  const key = { 'Idempotency-Key': 'same' };
  const graph = { inline: Buffer.from('graph').toString('base64') };
  await answerLost('TransactWriteItemsCommand', 'PUT', job, { graph }, key);
  expect((await api.call('PUT', job, { graph }, leader, key)).status).toBe(201);
  const { jobs } = (await api.call('POST', `/groups/${name}/recovery`, {}, leader)).body;
  expect(jobs).toHaveLength(1);
});

test('submit: a try that is sent again after the lease ran out is refused', async () => {
  const graph = { inline: Buffer.from('graph').toString('base64') };
  const slow = world.process();
  slow.dynamodb.plan = (command) => {
    if (command !== 'TransactWriteItemsCommand') return undefined;
    slow.dynamodb.plan = () => undefined;
    world.advance(60_000);
    return 'request lost';
  };
  const refused = { status: 409, body: { code: 'leadership_lost', reason: 'expired' } };
  expect(await slow.call('PUT', job, { graph }, leader)).toMatchObject(refused);
  expect((await api.call('GET', job)).status).toBe(404);
});

test('commit: one id, one reference, however often it is sent', async () => {
  await submit(api, leader, job, { retain: 2 });
  await checkpoint(api, leader, job, 'one');
  const uploadId = await uploadBytes(api, leader, job, 'two');
  await answerLost('UpdateItemCommand', 'POST', `${job}/checkpoints`, { uploadId });
  for (let retry = 0; retry < 3; retry += 1) {
    expect(await commit(uploadId)).toEqual({ status: 201, body: { checkpointId: 2, retained: [1, 2] } });
  }
  expect(await ids()).toEqual([1, 2]);
});

test('commit: an ambiguous write deletes nothing, the next commit continues', async () => {
  await submit(api, leader, job);
  await checkpoint(api, leader, job, 'one');
  const uploadId = await uploadBytes(api, leader, job, 'two');
  await answerLost('UpdateItemCommand', 'POST', `${job}/checkpoints`, { uploadId });
  expect(await objects()).toHaveLength(3);
  expect((await checkpoint(api, leader, job, 'three')).body).toEqual({ checkpointId: 3, retained: [3] });
  expect(await objects()).toHaveLength(3);
});

test.each(['duplicate', 'answer lost'] as const)(
  'a request that the SDK sends twice counts once (%s)',
  async (fault) => {
    await submit(api, leader, job);
    const uploadId = await uploadBytes(api, leader, job, 'one');
    api.dynamodb.once(fault, 'UpdateItemCommand');
    expect(await commit(uploadId)).toEqual({ status: 201, body: { checkpointId: 1, retained: [1] } });
    expect(await ids()).toEqual([1]);
  },
);

test('a late retry resurrects nothing: it is told what became of its commit', async () => {
  await submit(api, leader, job);
  const first = await checkpoint(api, leader, job, 'one');
  for (let more = 2; more <= 9; more += 1) await checkpoint(api, leader, job, String(more));
  expect(await commit(first.uploadId)).toEqual({
    status: 200,
    body: { checkpointId: 1, retained: [9], dropped: true, supersededBy: 9 },
  });
  expect(await ids()).toEqual([9]);
  await checkpoint(api, leader, job, '10');
  // Beyond the eight that are remembered its payload is long gone.
  expect((await commit(first.uploadId)).body.code).toBe('payload_missing');
  expect(await ids()).toEqual([10]);
});

test('a late retry of a commit that was discarded since is told so, and not that it is kept', async () => {
  await submit(api, leader, job);
  const { uploadId } = await checkpoint(api, leader, job, 'one');
  // The upload is still in the bucket: its delete was lost.
  api.s3.once('crash before', 'DeleteObjectCommand');
  expect((await api.call('DELETE', `${job}/checkpoints`, {}, leader)).body).toEqual({ discarded: 1 });
  api.s3.revive();
  expect(await commit(uploadId)).toEqual({ status: 200, body: { checkpointId: 1, retained: [], dropped: true } });
  expect(await ids()).toEqual([]);
});

test('a retry of a commit that the job still keeps is known, however many it keeps', async () => {
  await submit(api, leader, job, { retain: 32 });
  const first = await checkpoint(api, leader, job, '1');
  for (let more = 2; more <= 31; more += 1) await checkpoint(api, leader, job, String(more));
  expect((await commit(first.uploadId)).body).toMatchObject({ checkpointId: 1 });
  expect(await ids()).toHaveLength(31);
}, 60_000);

test('a retry with the id that it expected is a success, not a conflict', async () => {
  await submit(api, leader, job);
  const uploadId = await uploadBytes(api, leader, job, 'one');
  const body = { expectedCheckpointId: 1 };
  expect((await commit(uploadId, body)).status).toBe(201);
  expect(await commit(uploadId, body)).toEqual({ status: 201, body: { checkpointId: 1, retained: [1] } });
});

test('finish: the retry of the answer that was lost is a success', async () => {
  await submit(api, leader, job);
  const result = { result: 'failed', detail: 'out of disk' };
  await answerLost('UpdateItemCommand', 'POST', `${job}/finish`, result);
  expect(await api.call('POST', `${job}/finish`, result, leader)).toEqual({
    status: 200,
    body: { state: 'FINISHED', submitted: true },
  });
});

test('recovery: the same page again after the answer was lost, and through a store that throttles', async () => {
  for (const id of ['a', 'b', 'c']) await submit(api, leader, `/groups/${name}/jobs/${id}`);
  await answerLost('UpdateItemCommand', 'POST', `/groups/${name}/recovery`, {});
  api.dynamodb.once('throttle', 'UpdateItemCommand');
  api.dynamodb.once('request lost', 'QueryCommand');
  const recovered = await api.call('POST', `/groups/${name}/recovery`, {}, leader);
  expect(recovered.body.jobs).toHaveLength(3);
});

test('a store that stays away is said to be unavailable', async () => {
  await submit(api, leader, job);
  api.dynamodb.plan = () => 'throttle';
  expect(await api.call('POST', `/groups/${name}/recovery`, {}, leader)).toMatchObject({
    status: 503,
    body: { code: 'unavailable', retryable: true },
  });
});

test('a payload that cannot be deleted fails no commit and no discard; the collector takes it', async () => {
  await submit(api, leader, job);
  await checkpoint(api, leader, job, 'one');
  api.s3.plan = (command) => (command === 'DeleteObjectCommand' ? 'throttle' : undefined);
  expect((await checkpoint(api, leader, job, 'two')).status).toBe(201);
  expect(await objects()).toHaveLength(3);
  expect(await api.call('DELETE', `${job}/checkpoints`, {}, leader)).toEqual({ status: 200, body: { discarded: 1 } });
  expect(await ids()).toEqual([]);
  expect(await objects()).toHaveLength(3);
});

test('a removal of a savepoint whose answer was lost', async () => {
  await submit(api, leader, job);
  await checkpoint(api, leader, job, 'one', { kind: 'savepoint' });
  const remove = () => api.call('DELETE', `${job}/savepoints/1`, {}, leader);
  api.dynamodb.once('answer lost', 'UpdateItemCommand');
  expect(await remove()).toEqual({ status: 200, body: { discarded: 1 } });
  expect((await remove()).body.code).toBe('not_found');
});
