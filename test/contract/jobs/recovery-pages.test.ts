import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { recover } from '../../../functions/checkpoints/recovery.ts';
import type { Fence } from '../../../functions/platform/headers.ts';
import { inParallel } from '../../../functions/platform/in-parallel.ts';
import { type JobWorld, openJobWorld, type Process } from '../../support/job-world.ts';
import { jobNames, leaveFinished, leaveJob } from '../../support/left-job.ts';

let world: JobWorld;

beforeAll(async () => {
  world = await openJobWorld(inject('dynamodb'));
});
afterAll(() => world.close());

/** Fills a group with jobs of which those are active, recovers it, and tells what each page held and what all of them asked of DynamoDB. */
async function recovered(group: string, jobs: readonly string[], isActive: (at: number) => boolean) {
  const { payloads } = world.process().room;
  await inParallel([...jobs.entries()], 16, ([at, jobId]) =>
    isActive(at) ? leaveJob(world, payloads, group, jobId) : leaveFinished(world, group, jobId),
  );
  const api = world.process();
  const pages = await pagesOf(api, group, await world.lead(group, 3_600_000));
  return {
    pages,
    active: jobs.filter((_, at) => isActive(at)),
    requests: api.dynamodb.sent.map(({ command }) => command),
  };
}

async function pagesOf(api: Process, group: string, fence: Fence): Promise<string[][]> {
  const pages: string[][] = [];
  let cursor: string | undefined;
  do {
    const { status, body } = await api.call('POST', `/groups/${group}/recovery`, cursor ? { cursor } : {}, fence);
    expect(status).toBe(200);
    pages.push(body.jobs.map(({ jobId }: { jobId: string }) => jobId));
    cursor = body.nextCursor;
  } while (cursor);
  return pages;
}

test('30 active jobs among 300 finished ones are one page, with at most 1.1 requests each', async () => {
  const { pages, active, requests } = await recovered('scattered', jobNames(330), (at) => at % 11 === 10);
  expect(pages).toEqual([active]);
  expect(requests.length / active.length).toBeLessThanOrEqual(1.1);
});

test('a page that a later read fills ends with its hundredth job, and the next one goes on after it', async () => {
  const { pages, active, requests } = await recovered('behind', jobNames(220), (at) => at >= 110);
  expect(pages).toEqual([active.slice(0, 100), active.slice(100)]);
  expect(requests.length / active.length).toBeLessThanOrEqual(1.1);
});

test('a few finished jobs among many cost a read of about as many more, not of the whole group', async () => {
  const { pages, active, requests } = await recovered('few', jobNames(115), (at) => at % 20 !== 0);
  expect(pages.flat()).toEqual(active);
  expect(pages.map(({ length }) => length)).toEqual([100, 9]);
  expect(requests.length / active.length).toBeLessThanOrEqual(1.1);
});

test('where hardly a job is active, a request ends after 8 reads and says where to go on', async () => {
  const { room } = world.process();
  const limits: number[] = [];
  const listUnfinished: typeof room.checkpoints.listUnfinished = async (_, after, limit) => {
    limits.push(limit);
    return { items: [], read: limit, last: `${after ?? 'JOB#'}x` };
  };
  const fence = await world.lead('finished', 3_600_000);
  const barren = { ...room, checkpoints: { ...room.checkpoints, listUnfinished } };
  const options = { onDamaged: 'fail', discardOlder: false, limit: 100 } as const;
  const page = await recover(barren, 'finished', fence, options);
  expect(page).toEqual({ jobs: [], damaged: [], last: `JOB#${'x'.repeat(8)}` });
  expect(limits).toEqual([100, ...Array.from({ length: 7 }, () => 1_000)]);
});
