import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, expect, inject, onTestFinished, test, vi } from 'vitest';
import {
  type CheckpointStore,
  JobRegistry,
  LeaderElector,
  LeadershipLostError,
  type Loss,
  type S3,
  type Term,
} from '../../../../client/index.ts';
import { directS3 } from '../../../../client/jobs/s3.ts';
import { type JobWorld, openJobWorld, type Process } from '../../../support/job-world.ts';

let world: JobWorld;
let api: Process;
let tests = 0;
let group: string;

beforeAll(async () => {
  world = await openJobWorld(inject('dynamodb'));
});
afterAll(() => world.close());
beforeEach(() => {
  tests += 1;
  group = `elected-${tests}`;
  api = world.process();
});

const large = randomBytes(9 * 1024 ** 2);
const error = (work: Promise<unknown>): Promise<unknown> =>
  work.then(
    () => undefined,
    (reason: unknown) => reason,
  );

const all = async <Item>(items: AsyncIterable<Item>) => {
  const found: Item[] = [];
  for await (const item of items) found.push(item);
  return found;
};

/** A process that leads by a LeaderElector, with the checkpoints of its one job. */
async function elected(s3: S3 = directS3): Promise<{ term: Term; checkpoints: CheckpointStore; losses: Loss[] }> {
  const client = api.client();
  const losses: Loss[] = [];
  const granted = new Promise<Term>((resolve) => {
    const onRevoked = (loss: Loss) => void losses.push(loss);
    const elector = new LeaderElector({
      client,
      group,
      address: 'here:1',
      // No renewal comes between.
      leaseMs: 3_600_000,
      contendAgain: false,
      onGranted: resolve,
      onRevoked,
    });
    onTestFinished(() => elector.close());
    elector.start();
  });
  const term = await granted;
  const checkpoints = await new JobRegistry({ client, term, s3 }).submit('nightly', 'graph', { retain: 2 });
  return { term, checkpoints, losses };
}

/** Another process leads, and has recovered the jobs. */
async function replace(): Promise<void> {
  await world.process().call('POST', `/groups/${group}/recovery`, {}, await world.lead(group));
}

const expectLoss = (found: unknown, term: Term) => {
  expect(found).toBeInstanceOf(LeadershipLostError);
  expect(found).toMatchObject({ code: 'leadership_lost', loss: { reason: 'superseded' } });
  expect(term.signal.reason).toBe(found);
};

test('the term of an elector is the fence of its jobs, and a refused commit ends it for all of its work', async () => {
  const { term, checkpoints, losses } = await elected();
  expect(await checkpoints.add('one')).toMatchObject({ checkpointId: 1 });
  const work = new Promise((_, reject) => term.signal.addEventListener('abort', () => reject(term.signal.reason)));
  const stopped = error(work);
  await replace();
  expect(term.isLeader()).toBe(true);

  expect(await error(checkpoints.add('two'))).toBeInstanceOf(LeadershipLostError);
  expectLoss(await stopped, term);
  expect(term.isLeader()).toBe(false);
  await vi.waitFor(() => expect(losses).toEqual([expect.objectContaining({ reason: 'superseded' })]));
  expect(await error(checkpoints.discardAll())).toBeInstanceOf(LeadershipLostError);
  expect((await world.process().call('GET', `/groups/${group}/jobs/nightly`)).body.nextCheckpointId).toBe(2);
});

test('an upload under way stops with the term, as the same error, and nothing is committed', async () => {
  const arrived: string[] = [];
  const stuck: S3 = {
    ...directS3,
    // Its answer never comes: the upload ends with the term or not at all.
    put: (url, _headers, _block, signal) =>
      new Promise((_, reject) => {
        arrived.push(url);
        signal.addEventListener('abort', () => reject(signal.reason));
      }),
  };
  const { term } = await elected();
  const checkpoints = new JobRegistry({ client: api.client(), term, s3: stuck }).checkpoints('nightly');
  const adding = error(checkpoints.add(large));
  await vi.waitFor(() => expect(arrived.length).toBeGreaterThan(0));
  await replace();
  const finishing = error(new JobRegistry({ client: api.client(), term }).finish('nightly', 'failed'));
  expect(await finishing).toBeInstanceOf(LeadershipLostError);
  expectLoss(await adding, term);
  expect((await world.process().call('GET', `/groups/${group}/jobs/nightly`)).body).toMatchObject({
    state: 'ACTIVE',
    checkpoints: [],
  });
});

test('a download under way stops with the term, as the same error', async () => {
  const { term, checkpoints } = await elected();
  await checkpoints.add(large);
  const [job] = await all(new JobRegistry({ client: api.client(), term }).recover());
  const latest = (await checkpoints.latest()) ?? expect.fail('there is no checkpoint');
  const downloads = [checkpoints.read(latest), job?.streamCheckpoint() ?? expect.fail('there is no job')];
  for (const pieces of downloads) expect((await pieces.next()).value?.byteLength).toBeGreaterThan(0);
  await replace();
  expect(await error(checkpoints.add('late'))).toBeInstanceOf(LeadershipLostError);
  for (const pieces of downloads) expectLoss(await error(all(pieces)), term);
});
