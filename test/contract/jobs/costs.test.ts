import { GetCommand } from '@aws-sdk/lib-dynamodb';
import { v7 } from 'uuid';
import { expect, test } from 'vitest';
import type { Fence } from '../../../api/fence.ts';
import { mapConcurrent } from '../../../archive/map-concurrent.ts';
import { counted } from '../../../infra/counted-units.ts';
import { requestIdOf } from '../../../store/idempotency.ts';
import { sizes } from '../../sizes.ts';
import { unitsOf } from '../../support/capacity.ts';
import { eachInItsGroup } from '../../support/job-scene.ts';
import { checkpoint, type JobWorld, type Process, sha256, submit, uploadBytes } from '../../support/job-world.ts';

let world: JobWorld;
let api: Process;
let leader: Fence;
const longest = (prefix: string) => prefix.padEnd(128, '-');
const metadata = { note: 'm'.repeat(160 - '{"note":""}'.length) };
let name: string;
let group: string;
let job: string;

eachInItsGroup(
  'costs',
  (scene) => {
    ({ world, api, leader, name, group, job } = scene);
  },
  { named: longest },
);

/** The requests of a step to both stores, with the units that AWS charges. */
async function cost(step: () => Promise<unknown>) {
  const from = { dynamodb: api.dynamodb.sent.length, s3: api.s3.sent.length };
  await step();
  return {
    dynamodb: await Promise.all(
      api.dynamodb.sent
        .slice(from.dynamodb)
        .map(async (one) => [one.command, await unitsOf(one, world.other)] as const),
    ),
    s3: api.s3.sent.slice(from.s3).map(({ command }) => command),
  };
}

const key = { 'Idempotency-Key': 'k'.repeat(64) };

test('a new job costs one transaction, with the longest names and metadata', async () => {
  const uploadId = await uploadBytes(api, leader, job, 'graph', 'graph');
  const body = { graph: { uploadId }, retain: 3, metadata };
  const submitted = await cost(() => api.call('PUT', job, body, leader, key));
  expect(submitted).toMatchObject({
    dynamodb: [['TransactWriteItemsCommand', 6]],
    s3: ['HeadObjectCommand'],
  });
});

test('a commit costs one write of at most 2 units, one HEAD and one DELETE, a claim one write, the latest one read', async () => {
  const uploadId = await uploadBytes(api, leader, job, 'graph', 'graph');
  const submitted = await api.call('PUT', job, { graph: { uploadId }, retain: 3, metadata }, leader, key);
  expect(submitted.status).toBe(201);
  for (let at = 0; at < 12; at += 1) {
    const committed = await checkpoint(api, leader, job, `state ${at}`, { metadata });
    expect(committed.status).toBe(201);
  }
  const promised = { purpose: 'checkpoint', bytes: 5, sha256: sha256('state') };
  expect(await cost(() => api.call('POST', `${job}/uploads`, promised, leader))).toEqual({
    dynamodb: [['GetItemCommand', counted.beginUpload.readUnits]],
    s3: [],
  });
  const next = await uploadBytes(api, leader, job, 'state');
  const commit = await cost(() =>
    api.call('POST', `${job}/checkpoints`, { uploadId: next, metadata, expectedCheckpointId: 13 }, leader),
  );
  expect(commit).toEqual({
    dynamodb: [['UpdateItemCommand', counted.commit.writeUnits]],
    s3: ['HeadObjectCommand', 'DeleteObjectCommand'],
  });

  expect(await cost(() => api.call('GET', `${job}/checkpoints/latest`))).toEqual({
    dynamodb: [['GetItemCommand', 1]],
    s3: [],
  });

  const successor = await world.lead(name);
  const nightly = { group: name, jobId: longest('nightly') };
  expect(await cost(() => api.room.checkpoints.claim(nightly, successor.fencingVersion))).toEqual({
    dynamodb: [['UpdateItemCommand', 2]],
    s3: [],
  });
  const recovered = await cost(() => api.call('POST', `${group}/recovery`, {}, successor));
  expect(recovered.dynamodb.map(([command]) => command)).toEqual([
    'GetItemCommand',
    'QueryCommand',
    'UpdateItemCommand',
  ]);
  // The graph is looked at as well as the newest checkpoint: a job without it cannot be started again.
  expect(recovered.s3).toEqual(['HeadObjectCommand', 'HeadObjectCommand']);
});

test('a job made of payloads in parts stays below 2 write units as well', async () => {
  await submit(api, leader, job, { retain: 3, metadata });
  const nightly = { group: name, jobId: longest('nightly') };
  const composite = `${Buffer.from(sha256('x'), 'hex').toString('base64')}-10000`;
  for (let at = 1; at <= 12; at += 1) {
    const payload = { payloadId: v7(), bytes: 5 * 1024 ** 4, sha256: sha256('x'), composite, committedAt: Date.now() };
    const { before } = await api.room.checkpoints.commit(
      nightly,
      leader.fencingVersion,
      {
        kind: 'checkpoint',
        payload,
        metadata,
        expected: at,
        requestId: requestIdOf(`key-${at}`, 'POST', '/v1', Buffer.from(`${at}`)),
      },
      'next',
    );
    expect(before).toBeDefined();
  }
  expect(api.dynamodb.sent.at(-1)?.capacity).toBe(2);
});

test('a job that has committed many checkpoints costs the same per commit as a new one', async () => {
  await submit(api, leader, job, { retain: 3 });
  const nightly = { group: name, jobId: longest('nightly') };
  const digest = sha256('x');
  const commit = async () => {
    const payload = { payloadId: v7(), bytes: 1, sha256: digest, committedAt: Date.now() };
    const { before } = await api.room.checkpoints.commit(
      nightly,
      leader.fencingVersion,
      {
        kind: 'checkpoint',
        payload,
        requestId: requestIdOf('', 'POST', '/v1', Buffer.of()),
      },
      'next',
    );
    expect(before).toBeDefined();
  };
  /** The requests of so many commits, each with its write units. */
  const costOf = async (count: number) => {
    api.dynamodb.sent.length = 0;
    await mapConcurrent(Array.from({ length: count }), 8, commit);
    return api.dynamodb.sent.map(({ command, capacity }) => `${command} ${capacity}`);
  };
  await costOf(12);
  const early = await costOf(8);
  const late = new Map<string, number>();
  for (let done = 20; done < sizes.jobs.commits; done += 1_000) {
    for (const one of await costOf(Math.min(1_000, sizes.jobs.commits - done))) late.set(one, (late.get(one) ?? 0) + 1);
  }
  expect(late).toEqual(new Map([[early[0], sizes.jobs.commits - 20]]));
  expect(new Set(early).size).toBe(1);
  const { Item } = await world.other.send(
    new GetCommand({ TableName: world.table, Key: { pk: `GROUP#${name}`, sk: `JOB#${nightly.jobId}` } }),
  );
  expect(Item?.['nextCheckpointId']).toEqual([sizes.jobs.commits + 1]);
}, 3_600_000);

test('the size of a group makes no difference to what a commit costs', async () => {
  for (let at = 0; at < 30; at += 1) await submit(api, leader, `${group}/jobs/other-${at}`);
  await submit(api, leader, job);
  const uploadId = await uploadBytes(api, leader, job, 'state');
  const commit = await cost(() => api.call('POST', `${job}/checkpoints`, { uploadId }, leader));
  expect(commit.dynamodb).toHaveLength(1);
});
