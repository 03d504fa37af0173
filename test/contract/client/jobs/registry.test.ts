import { DeleteObjectCommand } from '@aws-sdk/client-s3';
import { afterAll, beforeAll, beforeEach, describe, expect, inject, test } from 'vitest';
import type { Fence } from '../../../../api/fence.ts';
import {
  type CheckpointStore,
  type Committed,
  JobRegistry,
  LeadershipLostError,
  type LeadingTerm,
  type RecoverOptions,
  termFromEnvironment,
} from '../../../../client/index.ts';
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
  expect((await checkpoints.list()).map(({ checkpointId }) => checkpointId)).toEqual([1, 2, 3]);
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

  await second.registry.finish('nightly', 'succeeded', { detail: 'done' });
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
  expect(error).toBeInstanceOf(LeadershipLostError);
  expect(error).toMatchObject({
    code: 'leadership_lost',
    loss: { reason: 'superseded', currentVersion: successor.term.fencingVersion },
  });
  expect(old.term.signal.reason).toBeInstanceOf(LeadershipLostError);
  await expect(old.registry.finish('job', 'failed')).rejects.toBeInstanceOf(LeadershipLostError);
  expect((await successor.registry.show('job')).state).toBe('ACTIVE');
});

test('states that are added at once are committed one after the other, each with the id it expects', async () => {
  const { registry } = await leader();
  const checkpoints = await registry.submit('job', 'graph', { retain: 4 });
  const committed = await Promise.all(['a', 'b', 'c', 'd'].map((state) => checkpoints.add(state)));
  expect(committed.map(({ checkpointId }) => checkpointId)).toEqual([1, 2, 3, 4]);
});

describe('states that are added at the same time', () => {
  /** A source that says nothing until it is told what to say; `fail` instead ends it with an error. */
  const slowly = () => {
    let say: (state: string) => void = () => {};
    let fail: (error: Error) => void = () => {};
    const said = new Promise<string>((resolve, reject) => {
      [say, fail] = [resolve, reject];
    });
    said.catch(() => {});
    const source = async function* () {
      yield Buffer.from(await said);
    };
    return { source: source(), say, fail };
  };
  const retainOne = async () => {
    const { registry } = await leader();
    const checkpoints = await registry.submit('job', 'graph');
    const recovered = async () => text(await (await all((await leader()).registry.recover()))[0]?.readCheckpoint());
    return { checkpoints, recovered };
  };
  /** Adds a state and waits until it has been uploaded, and could be committed if nothing held it back. */
  const uploaded = async (checkpoints: CheckpointStore, state: string, signal?: AbortSignal) => {
    let adding: Promise<Committed> | undefined;
    await new Promise<void>((resolve) => {
      adding = checkpoints.add(state, { signal, onProgress: () => resolve() });
    });
    await checkpoints.latest();
    return { committed: adding };
  };

  test('are committed in the order of the calls, however long the uploads take', async () => {
    const { checkpoints, recovered } = await retainOne();
    const { source, say } = slowly();
    const earlier = checkpoints.add(source);
    const later = await uploaded(checkpoints, 'the later state');
    say('the earlier state');
    expect(await earlier).toMatchObject({ checkpointId: 1 });
    expect(await later.committed).toMatchObject({ checkpointId: 2, retained: [2] });
    expect(await recovered()).toBe('the later state');
  });

  test('do not wait for one whose upload has failed, but for those before it', async () => {
    const { checkpoints, recovered } = await retainOne();
    const [first, second] = [slowly(), slowly()];
    const earliest = checkpoints.add(first.source);
    const failing = checkpoints.add(second.source);
    second.fail(new Error('the disk is gone'));
    await expect(failing).rejects.toThrow('the disk is gone');
    const latest = await uploaded(checkpoints, 'the latest state');
    first.say('the earliest state');
    expect(await earliest).toMatchObject({ checkpointId: 1 });
    expect(await latest.committed).toMatchObject({ checkpointId: 2 });
    expect(await recovered()).toBe('the latest state');
  });

  test('hear their signal while they wait for one before them', async () => {
    const { checkpoints, recovered } = await retainOne();
    const { source, say } = slowly();
    const earlier = checkpoints.add(source);
    const stop = new AbortController();
    const later = await uploaded(checkpoints, 'the later state', stop.signal);
    stop.abort(new Error('enough'));
    await expect(later.committed).rejects.toThrow('enough');
    say('the earlier state');
    expect(await earlier).toMatchObject({ checkpointId: 1 });
    expect(await recovered()).toBe('the earlier state');
  });
});

test('a commit of somebody else in the same term is noticed', async () => {
  const { term, registry } = await leader();
  const checkpoints = await registry.submit('job', 'graph');
  await checkpoints.add('mine');
  await new JobRegistry({ client: api.client(), term }).checkpoints('job').add('not mine');
  await expect(checkpoints.add('mine again')).rejects.toMatchObject({ code: 'unexpected_checkpoint' });
});

test('an answer that never came: the client retries and the checkpoint exists once', async () => {
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

describe('a damaged job', () => {
  /** Removes the newest checkpoint behind Tenure's back. */
  const damage = async (checkpoints: CheckpointStore) => {
    const { url } = (await checkpoints.latest()) ?? { url: '' };
    const Key = decodeURIComponent(new URL(url).pathname).split('/').slice(2).join('/');
    await world.s3.send(new DeleteObjectCommand({ Bucket: world.bucket, Key }));
  };
  /** Of three jobs the second one, which has an older checkpoint. */
  const recovering = async () => {
    const { registry, term } = await leader();
    for (const id of ['a', 'b', 'c']) await (await registry.submit(id, 'graph', { retain: 2 })).add('state');
    await registry.checkpoints('b').add('newer');
    await damage(registry.checkpoints('b'));
    const found: unknown[] = [];
    const recover = async (options?: RecoverOptions) => {
      for await (const { jobId, checkpoint } of registry.recover(options))
        found.push([jobId, checkpoint?.checkpointId]);
    };
    return { registry, term, found, recover };
  };
  const [a, b, c] = ['a', 'b', 'c'].map((jobId) => [jobId, 1]);

  test('holds up no other, and is thrown at the end', async () => {
    const { recover, found, term } = await recovering();
    await expect(recover()).rejects.toMatchObject({ code: 'jobs_damaged', members: { damaged: [{ jobId: 'b' }] } });
    expect(found).toEqual([a, c]);
    expect(term.signal.aborted).toBe(false);
  });

  test('that fell back to an older checkpoint is told of, and thrown by nobody', async () => {
    const { recover, found } = await recovering();
    const reports: unknown[] = [];
    await recover({ onDamaged: 'fallback', onDamage: (damaged) => void reports.push(damaged) });
    expect(reports).toMatchObject([{ jobId: 'b', fellBackTo: 1 }]);
    await recover({ onDamaged: 'fallback' });
    expect(found).toEqual([a, b, c, a, b, c]);
  });

  test('that has nothing to fall back to is thrown, without the advice to fall back', async () => {
    const { registry, recover, found } = await recovering();
    await damage(registry.checkpoints('a'));
    const thrown = recover({ onDamaged: 'fallback' });
    await expect(thrown).rejects.toMatchObject({ code: 'jobs_damaged', members: { damaged: [{ jobId: 'a' }] } });
    await expect(thrown).rejects.toThrow(/\)\. Submit them anew, or restore a backup\.$/);
    expect(found).toEqual([b, c]);
  });
});

test('the environment must have a term', () => {
  expect(() => termFromEnvironment({ TENURE_GROUP: 'g' })).toThrow(/run this process under tenure lead/);
});
