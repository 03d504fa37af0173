import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { mapConcurrent } from '../../../archive/map-concurrent.ts';
import { JobRegistry, termFromEnvironment } from '../../../client/index.ts';
import { sizes } from '../../sizes.ts';
import { type JobWorld, openJobWorld } from '../../support/job-world.ts';
import { jobNames, leaveJob } from '../../support/left-job.ts';

let world: JobWorld;

beforeAll(async () => {
  world = await openJobWorld(inject('dynamodb'));
});
afterAll(() => world.close());

test(`${sizes.jobs.recovered} jobs are recovered in pages, with at most 1.1 requests each`, async () => {
  const jobs = jobNames(sizes.jobs.recovered);
  const filling = world.process();
  await mapConcurrent(jobs, 16, (jobId) => leaveJob(world, filling.room.payloads, 'scale', jobId));

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
