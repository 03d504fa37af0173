import { UpdateCommand } from '@aws-sdk/lib-dynamodb';
import { expect, test } from 'vitest';
import type { Fence } from '../../../api/fence.ts';
import { cleanUp } from '../../../functions/jobs/clean-up/clean-up.ts';
import { jobCountKey } from '../../../functions/jobs/keys.ts';
import { eachInItsGroup } from '../../support/job-scene.ts';
import { type JobWorld, type Process, submit } from '../../support/job-world.ts';

let world: JobWorld;
let api: Process;
let leader: Fence;
let name: string;
let group: string;
let job: string;

eachInItsGroup('limits', (scene) => {
  ({ world, api, leader, name, group, job } = scene);
});

const finish = (jobId: string) => api.call('POST', `${group}/jobs/${jobId}/finish`, { result: 'succeeded' }, leader);

test('a group has so many jobs that are not cleaned up, and the refusal says how many', async () => {
  await world.other.send(
    new UpdateCommand({
      TableName: world.table,
      Key: jobCountKey(name),
      UpdateExpression: 'SET #count = :count',
      ExpressionAttributeNames: { '#count': 'count' },
      ExpressionAttributeValues: { ':count': 9_998 },
    }),
  );
  for (const id of ['a', 'b']) expect((await submit(api, leader, `${group}/jobs/${id}`)).status).toBe(201);
  const refused = {
    status: 409,
    body: {
      code: 'limit_reached',
      of: 'jobs',
      limit: 10_000,
      detail: expect.stringContaining('10000 of at most 10000 jobs'),
    },
  };
  expect(await submit(api, leader, `${group}/jobs/c`)).toMatchObject(refused);
  expect(await finish('c')).toMatchObject(refused);
  expect((await api.call('GET', `${group}/jobs/c`)).status).toBe(404);
  // One that exists already is no further one.
  expect((await submit(api, leader, `${group}/jobs/a`)).status).toBe(201);
  await finish('a');
  expect(await submit(api, leader, `${group}/jobs/c`)).toMatchObject(refused);
  expect(await cleanUp(api.room, () => Number.POSITIVE_INFINITY)).toEqual({ cleaned: 1, left: 0 });
  expect((await submit(api, leader, `${group}/jobs/c`)).status).toBe(201);
  expect(await submit(api, leader, `${group}/jobs/d`)).toMatchObject(refused);
});

test('text that S3 or DynamoDB could not take is refused before it gets there', async () => {
  await submit(api, leader, job);
  const { body: begun } = await api.call('POST', `${job}/uploads`, { purpose: 'checkpoint' }, leader);
  const sha256 = 'a'.repeat(64);
  for (const etag of ['\0', '"\u0001"', '<a/>', '&', 'é', 'x'.repeat(129)]) {
    const commit = { uploadId: begun.uploadId, sha256, parts: [{ partNumber: 1, etag, sha256 }] };
    expect(await api.call('POST', `${job}/checkpoints`, commit, leader)).toMatchObject({
      status: 400,
      body: { code: 'invalid_request', issues: [{ path: 'parts.0.etag' }] },
    });
  }
  const [payloadId] = begun.uploadId.split('.');
  for (const multipartId of ['\0\0', '../../x', 'a&b=c', '\ud800x', 'é'.repeat(200)]) {
    const uploadId = `${payloadId}.${Buffer.from(multipartId).toString('base64url')}`;
    const part = { parts: [{ partNumber: 1, bytes: 1, sha256 }] };
    const signed = await api.call('POST', `${job}/uploads/${uploadId}/parts`, part, leader);
    const commit = { uploadId, sha256, parts: [{ partNumber: 1, etag: '"x"', sha256 }] };
    const committed = await api.call('POST', `${job}/checkpoints`, commit, leader);
    expect(
      [signed.status, committed.status].every((status) => status < 500),
      JSON.stringify(committed.body),
    ).toBe(true);
  }
  for (const detail of ['\0', '\u202e', 'x'.repeat(1_024)]) {
    const path = `${group}/jobs/d-${detail.length}-${detail.codePointAt(0)}`;
    expect((await api.call('POST', `${path}/finish`, { result: 'failed', detail }, leader)).status).toBe(200);
    expect((await api.call('GET', path)).body.detail).toBe(detail);
  }
  expect(
    (await api.call('POST', `${job}/finish`, { result: 'failed', detail: 'x'.repeat(1_025) }, leader)).status,
  ).toBe(400);
});
