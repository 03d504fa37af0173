import { DeleteObjectCommand } from '@aws-sdk/client-s3';
import { afterAll, beforeAll, beforeEach, expect, inject, test } from 'vitest';
import { JobRegistry, LeadershipLost, type LeadingTerm, termFromEnvironment } from '../../../../client/index.ts';
import type { Fence } from '../../../../functions/platform/headers.ts';
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
  group = `client-${tests}`;
  api = world.process();
});

const termOf = ({ fencingVersion, sessionId }: Fence): LeadingTerm =>
  termFromEnvironment({
    TENURE_GROUP: group,
    TENURE_FENCING_VERSION: String(fencingVersion),
    TENURE_SESSION_ID: sessionId,
  });

async function leader() {
  const term = termOf(await world.lead(group));
  return { term, registry: new JobRegistry({ client: api.client(), term }) };
}

const text = (bytes: Uint8Array | undefined) => bytes && Buffer.from(bytes).toString();
const all = async <Item>(items: AsyncIterable<Item>) => {
  const found: Item[] = [];
  for await (const item of items) found.push(item);
  return found;
};

test('a job goes from one leader to the next without anybody touching a fence', async () => {
  const first = await leader();
  const checkpoints = await first.registry.submit('nightly', 'the graph', { retain: 2, metadata: { owner: 'ops' } });
  expect(await checkpoints.add('one', { metadata: { lines: 1 } })).toMatchObject({ checkpointId: 1 });
  expect(await checkpoints.addSavepoint('kept')).toMatchObject({ checkpointId: 2 });
  expect(await checkpoints.add('two')).toMatchObject({ checkpointId: 3, retained: [1, 3] });
  expect((await checkpoints.list()).map(({ checkpointId }) => checkpointId)).toEqual([1, 3]);
  expect(await checkpoints.latest()).toMatchObject({ checkpointId: 3 });

  const second = await leader();
  const [job, ...others] = await all(second.registry.recover());
  expect(others).toEqual([]);
  expect(job).toMatchObject({
    jobId: 'nightly',
    retain: 2,
    metadata: { owner: 'ops' },
    checkpoint: { checkpointId: 3 },
  });
  expect(text(await job?.readGraph())).toBe('the graph');
  expect(text(await job?.readCheckpoint())).toBe('two');
  expect(await job?.checkpoints.add('three')).toMatchObject({ checkpointId: 4 });
  const recovered = second.registry.checkpoints('nightly');
  const savepoint = await recovered.get(2);
  expect(text(Buffer.concat(await all(recovered.read(savepoint))))).toBe('kept');
  await recovered.discardSavepoint(2);
  await recovered.discardSavepoint(2);
  expect(await recovered.discardAll()).toBe(2);
  expect(await recovered.latest()).toBeUndefined();

  await second.registry.finish('nightly', 'succeeded', 'done');
  await second.registry.finish('nightly', 'succeeded');
  expect(await all((await leader()).registry.recover())).toEqual([]);
  expect(await all(second.registry.list())).toMatchObject([{ jobId: 'nightly', result: 'succeeded', detail: 'done' }]);
});

test.each([
  ['add', (registry: JobRegistry) => registry.checkpoints('job').add('late')],
  ['finish', (registry: JobRegistry) => registry.finish('job', 'succeeded')],
  ['discard', (registry: JobRegistry) => registry.checkpoints('job').discardAll()],
  ['submit', (registry: JobRegistry) => registry.submit('another', 'graph')],
  ['recover', (registry: JobRegistry) => all(registry.recover())],
])('%s by a deposed leader: one typed error, and its work is stopped', async (_, act) => {
  const old = await leader();
  await old.registry.submit('job', 'graph');
  const successor = await leader();
  await all(successor.registry.recover());
  expect(old.term.signal.aborted).toBe(false);
  const error = await act(old.registry).then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(LeadershipLost);
  expect(error).toMatchObject({
    code: 'leadership_lost',
    loss: { reason: 'superseded', currentVersion: successor.term.fencingVersion },
  });
  expect(old.term.signal.reason).toBeInstanceOf(LeadershipLost);
  await expect(old.registry.finish('job', 'failed')).rejects.toBeInstanceOf(LeadershipLost);
  expect((await successor.registry.show('job')).state).toBe('ACTIVE');
});

test('uploads at the same time are committed one after the other, each with the id it expects', async () => {
  const { registry } = await leader();
  const checkpoints = await registry.submit('job', 'graph', { retain: 4 });
  const committed = await Promise.all(['a', 'b', 'c', 'd'].map((state) => checkpoints.add(state)));
  expect(committed.map(({ checkpointId }) => checkpointId).sort()).toEqual([1, 2, 3, 4]);
});

test('a commit of somebody else in the same term is noticed', async () => {
  const { term, registry } = await leader();
  const checkpoints = await registry.submit('job', 'graph');
  await checkpoints.add('mine');
  await new JobRegistry({ client: api.client(), term }).checkpoints('job').add('not mine');
  await expect(checkpoints.add('mine again')).rejects.toMatchObject({ code: 'unexpected_checkpoint' });
});

test('an answer that never came: the client asks again and the checkpoint is there once', async () => {
  const { registry, term } = await leader();
  await registry.submit('job', 'graph', { retain: 3 });
  let lose = true;
  const losing: typeof fetch = async (url, init) => {
    const response = await world.process().fetch(url, init);
    if (lose && String(url).endsWith('/checkpoints') && init?.method === 'POST') {
      lose = false;
      throw new TypeError('fetch failed');
    }
    return response;
  };
  const client = api.client({ fetch: losing });
  const checkpoints = new JobRegistry({ client, term }).checkpoints('job');
  expect(await checkpoints.add('state')).toEqual({ checkpointId: 1, retained: [1] });
  expect(lose).toBe(false);
  expect(await checkpoints.add('next')).toEqual({ checkpointId: 2, retained: [1, 2] });
});

test('damaged jobs hold up no other, and are told of', async () => {
  const { registry, term } = await leader();
  for (const id of ['a', 'b', 'c']) await (await registry.submit(id, 'graph', { retain: 2 })).add('state');
  await registry.checkpoints('b').add('newer');
  const { url } = (await registry.checkpoints('b').latest()) ?? { url: '' };
  const Key = decodeURIComponent(new URL(url).pathname).split('/').slice(2).join('/');
  await world.s3.send(new DeleteObjectCommand({ Bucket: world.bucket, Key }));

  const found: string[] = [];
  const recovering = async () => {
    for await (const { jobId } of registry.recover()) found.push(jobId);
  };
  await expect(recovering()).rejects.toMatchObject({ code: 'jobs_damaged', members: { damaged: [{ jobId: 'b' }] } });
  expect(found).toEqual(['a', 'c']);
  const told: unknown[] = [];
  const jobs = await all(registry.recover({ onDamaged: 'fallback', onDamage: (damaged) => void told.push(damaged) }));
  expect(jobs.map(({ jobId, checkpoint }) => [jobId, checkpoint?.checkpointId])).toEqual([
    ['a', 1],
    ['b', 1],
    ['c', 1],
  ]);
  expect(told).toMatchObject([{ jobId: 'b', fellBackTo: 1 }]);
  expect(term.signal.aborted).toBe(false);
});

test('the environment must have a term', () => {
  expect(() => termFromEnvironment({ TENURE_GROUP: 'g' })).toThrow(/run this process under tenure lead/);
});
