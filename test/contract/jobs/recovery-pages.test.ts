import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { mapConcurrent } from '../../../archive/map-concurrent.ts';
import { recover } from '../../../functions/jobs/recovery.ts';
import { type JobRoom, type JobWorld, openJobWorld } from '../../support/job-world.ts';
import { jobNames, leaveFinished, leaveJob } from '../../support/left-job.ts';
import { overriding } from '../../support/overriding.ts';

let world: JobWorld;

beforeAll(async () => {
  world = await openJobWorld(inject('dynamodb'));
});
afterAll(() => world.close());

/** Recovers a group of which those jobs are active, in pages of at most `limit`. */
async function recovered(group: string, jobs: readonly string[], limit: number, isActive: (at: number) => boolean) {
  const { payloads } = world.process().room;
  const active = jobs.filter((_, at) => isActive(at));
  await mapConcurrent(active, 16, (jobId) => leaveJob(world, payloads, group, jobId));
  const finished = jobs.filter((_, at) => !isActive(at));
  await leaveFinished(world, group, finished);
  const { room, dynamodb } = world.process();
  const pages = await pagesOf(room, group, limit);
  const queries = dynamodb.sent.filter(({ command }) => command === 'QueryCommand');
  return {
    pages,
    active,
    requests: dynamodb.sent.length,
    /** Jobs that each read of the registry looked at, at most. */
    reads: queries.map(({ input }) => input['Limit']),
  };
}

async function pagesOf(room: JobRoom, group: string, limit: number): Promise<string[][]> {
  const fence = await world.lead(group, 3_600_000);
  const pages: string[][] = [];
  let after: string | undefined;
  do {
    const page = await recover(room, group, fence, { onDamaged: 'fail', discardOlder: false, after, limit });
    expect(page.damaged).toEqual([]);
    pages.push(page.jobs.map(({ job }) => job.jobId));
    after = page.last;
  } while (after !== undefined);
  return pages;
}

test('30 active jobs among 300 finished ones are one page, with at most 1.1 requests each', async () => {
  const { pages, active, requests } = await recovered('scattered', jobNames(330), 100, (at) => at % 11 === 10);
  expect(pages).toEqual([active]);
  expect(requests / active.length).toBeLessThanOrEqual(1.1);
});

test('a page that a later read fills ends where it is full, and the next one continues after it', async () => {
  const { pages, active, reads } = await recovered('behind', jobNames(22), 10, (at) => at >= 11);
  expect(pages).toEqual([active.slice(0, 10), active.slice(10)]);
  expect(reads).toEqual([10, 110, 10]);
});

test('one finished job among active ones costs a read of about one more, not of the whole group', async () => {
  const { pages, active, reads } = await recovered('few', jobNames(12), 10, (at) => at > 0);
  expect(pages).toEqual([active.slice(0, 10), active.slice(10)]);
  expect(reads).toEqual([10, 2, 10]);
});

test('without finished jobs a page is one read', async () => {
  const { pages, active, reads } = await recovered('none', jobNames(12), 10, () => true);
  expect(pages).toEqual([active.slice(0, 10), active.slice(10)]);
  expect(reads).toEqual([10, 10]);
});

test('where hardly a job is active, a request ends after 8 reads and says where to continue', async () => {
  const { room } = world.process();
  const limits: number[] = [];
  const listUnfinished: JobRoom['checkpoints']['listUnfinished'] = async (_, after, limit) => {
    limits.push(limit);
    return { items: [], read: limit, last: `${after ?? 'JOB#'}x` };
  };
  const fence = await world.lead('finished', 3_600_000);
  const barren = { ...room, checkpoints: overriding(room.checkpoints, { listUnfinished }) };
  const options = { onDamaged: 'fail', discardOlder: false, limit: 100 } as const;
  const page = await recover(barren, 'finished', fence, options);
  expect(page).toEqual({ jobs: [], damaged: [], last: `JOB#${'x'.repeat(8)}` });
  expect(limits).toEqual([100, ...Array.from({ length: 7 }, () => 1_000)]);
});
