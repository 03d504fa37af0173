import { expect, test } from 'vitest';
import type { Fence } from '../../../api/fence.ts';
import { eachInItsGroup } from '../../support/job-scene.ts';
import { checkpoint, download, type JobWorld, type Process, submit, uploadBytes } from '../../support/job-world.ts';

let world: JobWorld;
let api: Process;
let leader: Fence;
let name: string;
let group: string;
let job: string;

eachInItsGroup('lifecycle', (scene) => {
  ({ world, api, leader, name, group, job } = scene);
});

test('a job is submitted, recovered, checkpointed and finished', async () => {
  const uploadId = await uploadBytes(api, leader, job, 'the graph', 'graph');
  const submitted = await api.call('PUT', job, { graph: { uploadId }, retain: 2, metadata: { owner: 'ops' } }, leader);
  expect(submitted).toEqual({
    status: 201,
    body: { jobId: 'nightly', fencingVersion: leader.fencingVersion },
  });

  for (const state of ['one', 'two', 'three']) {
    const committed = await checkpoint(api, leader, job, state, { metadata: { state } });
    expect(committed.status).toBe(201);
  }
  const shown = await api.call('GET', job);
  expect(shown.body).toMatchObject({
    jobId: 'nightly',
    state: 'ACTIVE',
    fencingVersion: leader.fencingVersion,
    retain: 2,
    metadata: { owner: 'ops' },
    graph: { bytes: 9 },
    checkpoints: [
      { checkpointId: 2, metadata: { state: 'two' } },
      { checkpointId: 3, metadata: { state: 'three' } },
    ],
    savepoints: [],
    nextCheckpointId: 4,
  });

  const next = await world.lead(name);
  const recovered = await api.call('POST', `${group}/recovery`, {}, next);
  expect(recovered.body.damaged).toEqual([]);
  expect(recovered.body.jobs).toMatchObject([
    { jobId: 'nightly', checkpoint: { checkpointId: 3, bytes: 5, metadata: { state: 'three' } }, nextCheckpointId: 4 },
  ]);
  expect(await download(recovered.body.jobs[0].graph.url)).toBe('the graph');
  expect(await download(recovered.body.jobs[0].checkpoint.url)).toBe('three');

  const late = await checkpoint(api, leader, job, 'by the old leader');
  expect(late).toMatchObject({
    status: 409,
    body: { code: 'fenced', yours: leader.fencingVersion, current: next.fencingVersion },
  });

  expect(await api.call('POST', `${job}/finish`, { result: 'succeeded', detail: 'all done' }, next)).toEqual({
    status: 200,
    body: { state: 'FINISHED', submitted: true },
  });
  expect((await api.call('GET', job)).body).toMatchObject({
    state: 'FINISHED',
    result: 'succeeded',
    detail: 'all done',
    graph: null,
    checkpoints: [],
  });
  const after = await world.lead(name);
  expect((await api.call('POST', `${group}/recovery`, {}, after)).body).toEqual({ jobs: [], damaged: [] });
  expect((await submit(api, after, job)).body).toMatchObject({ code: 'job_finished' });
});
