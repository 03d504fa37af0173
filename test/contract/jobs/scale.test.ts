import { PutCommand } from '@aws-sdk/lib-dynamodb';
import { v7 } from 'uuid';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { JobRegistry, termFromEnvironment } from '../../../client/index.ts';
import type { Job } from '../../../functions/jobs/job.ts';
import { toItem } from '../../../functions/jobs/job-item.ts';
import type { PayloadStore } from '../../../functions/jobs/payload-store.ts';
import { payloadKey } from '../../../functions/jobs/upload.ts';
import { inParallel } from '../../../functions/platform/in-parallel.ts';
import { sizes } from '../../sizes.ts';
import { type JobWorld, openJobWorld, sha256 } from '../../support/job-world.ts';

let world: JobWorld;

beforeAll(async () => {
  world = await openJobWorld(inject('dynamodb'));
});
afterAll(() => world.close());

/** A job that an earlier leader has left behind, with its payloads. */
async function fill(payloads: PayloadStore, jobId: string): Promise<void> {
  const payload = async (content: string) => {
    const payloadId = v7();
    await payloads.put(payloadKey('scale', jobId, payloadId), Buffer.from(content), sha256(content));
    return { payloadId, bytes: content.length, sha256: sha256(content), committedAt: Date.now() };
  };
  const newest = { ...(await payload(`state of ${jobId}`)), checkpointId: 1 };
  const job: Job = {
    group: 'scale',
    jobId,
    state: 'ACTIVE',
    fence: 1,
    graph: await payload(`graph of ${jobId}`),
    retain: 1,
    checkpoints: [newest],
    savepoints: [],
    commits: [newest],
    nextCheckpointId: 2,
    submittedAt: Date.now(),
    requestId: 'filled',
  };
  await world.other.send(new PutCommand({ TableName: world.table, Item: toItem(job) }));
}

test(`${sizes.jobs.recovered} jobs are recovered in pages, with at most 1.1 requests each`, async () => {
  const jobs = Array.from({ length: sizes.jobs.recovered }, (_, at) => `job-${String(at).padStart(6, '0')}`);
  const filling = world.process();
  await inParallel(jobs, 16, (jobId) => fill(filling.room.payloads, jobId));

  const api = world.process();
  const { fencingVersion, sessionId } = await world.lead('scale', 3_600_000);
  const term = termFromEnvironment({
    TENURE_GROUP: 'scale',
    TENURE_FENCING_VERSION: String(fencingVersion),
    TENURE_SESSION_ID: sessionId,
  });
  let pages = 0;
  let largest = 0;
  const counting: typeof fetch = async (url, init) => {
    const response = await api.fetch(url, init);
    pages += 1;
    largest = Math.max(largest, (await response.clone().text()).length);
    return response;
  };
  const found: string[] = [];
  const registry = new JobRegistry({ client: api.client({ fetch: counting }), term });
  for await (const { jobId, checkpoint: newest } of registry.recover()) {
    expect(newest?.checkpointId).toBe(1);
    found.push(jobId);
    // The next page is asked for when this one has been consumed, so one page is in memory at a time.
    expect(pages).toBe(Math.ceil(found.length / 100));
  }
  expect(found).toEqual(jobs);
  expect(api.dynamodb.sent.length / jobs.length).toBeLessThanOrEqual(1.1);
  // Memory stays bounded because a page does: the jobs in it, and the bytes that they make.
  expect(pages).toBe(Math.floor(jobs.length / 100) + 1);
  expect(largest).toBeLessThan((4 * 1024 ** 2) / 4);
}, 3_600_000);
