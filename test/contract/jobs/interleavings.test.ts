import { beforeEach, describe, expect, test } from 'vitest';
import type { Fence } from '../../../api/fence.ts';
import { cleanUp } from '../../../functions/jobs/clean-up/clean-up.ts';
import { recover as recoverPage } from '../../../functions/jobs/recovery.ts';
import { eachInItsGroup } from '../../support/job-scene.ts';
import {
  checkpoint,
  download,
  type JobRoom,
  type JobWorld,
  type Process,
  submit,
  uploadBytes,
} from '../../support/job-world.ts';
import { overriding } from '../../support/overriding.ts';

const rounds = Array.from({ length: 8 }, (_, at) => at);

let world: JobWorld;
let api: Process;
let old: Fence;
let name: string;
let group: string;
let job: string;

eachInItsGroup('interleaved', (scene) => {
  ({ world, api, leader: old, name, group, job } = scene);
});

const recover = (fence: Fence, body = {}) => api.call('POST', `${group}/recovery`, body, fence);
const recovered = async (fence: Fence, body = {}) => (await recover(fence, body)).body.jobs;
const at = (round: number) => `${group}/jobs/round-${round}`;

/** The room of a process that stands still before its claims until it is let go. */
function standingStill(): { room: JobRoom; reached: Promise<void>; letGo(): void } {
  const { room } = world.process();
  let letGo = () => {};
  let reach = () => {};
  const gate = new Promise<void>((resolve) => {
    letGo = resolve;
  });
  const reached = new Promise<void>((resolve) => {
    reach = resolve;
  });
  const claim: JobRoom['checkpoints']['claim'] = async (...claimed) => {
    reach();
    await gate;
    return room.checkpoints.claim(...claimed);
  };
  return { room: { ...room, checkpoints: overriding(room.checkpoints, { claim }) }, reached, letGo };
}

describe('a leader is replaced between its look at the leadership and its claims', () => {
  const page = { onDamaged: 'fail', discardOlder: false, limit: 100 } as const;
  const ids = ['a', 'b', 'c'];
  beforeEach(async () => {
    for (const id of ids) await submit(api, old, `${group}/jobs/${id}`);
  });

  test('the successor has claimed: the late claims are fenced and change nothing', async () => {
    const still = standingStill();
    const claiming = recoverPage(still.room, name, old, page);
    await still.reached;
    const successor = await world.lead(name);
    expect(await recovered(successor)).toHaveLength(3);
    still.letGo();
    await expect(claiming).rejects.toMatchObject({
      code: 'fenced',
      members: { yours: old.fencingVersion, current: successor.fencingVersion },
    });
    const { items } = (await api.call('GET', `${group}/jobs`)).body;
    const fences = items.map(({ fencingVersion }: { fencingVersion: number }) => fencingVersion);
    expect(fences).toEqual(ids.map(() => successor.fencingVersion));
  });

  test('the late claims land first: the successor claims the jobs all the same', async () => {
    const still = standingStill();
    const claiming = recoverPage(still.room, name, old, page);
    await still.reached;
    const successor = await world.lead(name);
    still.letGo();
    expect((await claiming).jobs).toHaveLength(3);
    expect(await recovered(successor)).toHaveLength(3);
    expect((await checkpoint(api, old, `${group}/jobs/a`, 'late')).body.code).toBe('fenced');
  });
});

describe('a submission and the election of a successor', () => {
  test('submitted first: the successor recovers the job, the old leader is fenced off', async () => {
    await submit(api, old, job);
    const successor = await world.lead(name);
    expect(await recovered(successor)).toMatchObject([{ jobId: 'nightly', checkpoint: null, nextCheckpointId: 1 }]);
    expect((await submit(api, old, job)).body).toMatchObject({ code: 'fenced', current: successor.fencingVersion });
  });

  test('at the same time: whatever was acknowledged is recovered, whatever was refused is not there', async () => {
    const answers: number[] = [];
    let successor = old;
    for (const round of rounds) {
      const [{ status }, next] = await Promise.all([submit(world.process(), successor, at(round)), world.lead(name)]);
      answers.push(status);
      successor = next;
    }
    const found = (await recovered(successor)).map(({ jobId }: { jobId: string }) => jobId);
    expect(found).toEqual(rounds.filter((round) => answers[round] === 201).map((round) => `round-${round}`));
  });

  test('one id by the old and the new leader: one job, and its fence is that of the new one', async () => {
    for (const round of rounds) {
      const leader = await world.lead(name);
      const successor = await world.lead(name);
      const answers = await Promise.all([leader, successor].map((fence) => submit(world.process(), fence, at(round))));
      expect(answers.map(({ status }) => status)).toEqual([409, 201]);
      expect((await api.call('GET', at(round))).body.fencingVersion).toBe(successor.fencingVersion);
    }
  });
});

describe('a commit that subsumes the checkpoint before it', () => {
  test('lands before the claim: the successor recovers it, and its payload is the one that stays', async () => {
    await submit(api, old, job);
    await checkpoint(api, old, job, 'one');
    const successor = await world.lead(name);
    await checkpoint(api, old, job, 'two');
    const [{ checkpoint: newest }] = await recovered(successor);
    expect(newest.checkpointId).toBe(2);
    expect(await download(newest.url)).toBe('two');
  });

  test('has written, and deletes only after the successor has recovered: what that recovered stays', async () => {
    await submit(api, old, job);
    await checkpoint(api, old, job, 'one');
    const uploadId = await uploadBytes(api, old, job, 'two');
    const { room } = world.process();
    const { before } = await room.checkpoints.commit(
      { group: name, jobId: 'nightly' },
      old.fencingVersion,
      {
        kind: 'checkpoint',
        requestId: 'request',
        payload: {
          payloadId: uploadId,
          ...(await room.payloads.stat(`groups/${name}/jobs/nightly/${uploadId}`).then((stored) => ({
            bytes: stored?.bytes ?? 0,
            sha256: Buffer.from(stored?.checksum ?? '', 'base64').toString('hex'),
          }))),
          committedAt: world.clock.now(),
        },
      },
      'next',
    );
    const successor = await world.lead(name);
    const [{ checkpoint: newest }] = await recovered(successor, { onDamaged: 'fallback' });
    const dropped = before && 'commits' in before ? before.commits[0]?.payloadId : undefined;
    await room.payloads.discard([`groups/${name}/jobs/nightly/${dropped}`]);
    expect(await download(newest.url)).toBe('two');
    expect(await recovered(successor)).toMatchObject([{ checkpoint: { checkpointId: 2 } }]);
  });
});

test('a commit and a claim at the same time: acknowledged means recovered, refused means fenced', async () => {
  for (const round of rounds) {
    const leader = await world.lead(name);
    await submit(api, leader, at(round), { retain: 2 });
    await checkpoint(api, leader, at(round), 'one');
    const uploadId = await uploadBytes(api, leader, at(round), 'two');
    const successor = await world.lead(name);
    const [committed, claimed] = await Promise.all([
      world.process().call('POST', `${at(round)}/checkpoints`, { uploadId }, leader),
      world.process().room.checkpoints.claim({ group: name, jobId: `round-${round}` }, successor.fencingVersion),
    ]);
    const newest = claimed.won && 'checkpoints' in claimed.won ? claimed.won.checkpoints[0]?.checkpointId : undefined;
    expect([committed.status, newest]).toEqual(committed.status === 201 ? [201, 2] : [409, 1]);
  }
});

test('a commit and the finish of one leader at the same time: no payload is left in the end', async () => {
  for (const round of rounds) {
    await submit(api, old, at(round));
    const uploadId = await uploadBytes(api, old, at(round), 'state');
    const [committed, finished] = await Promise.all([
      world.process().call('POST', `${at(round)}/checkpoints`, { uploadId }, old),
      world.process().call('POST', `${at(round)}/finish`, { result: 'succeeded' }, old),
    ]);
    expect(finished.status).toBe(200);
    if (committed.status !== 201) {
      expect(committed.body.code).toBe('job_finished');
      await api.room.payloads.discard([`groups/${name}/jobs/round-${round}/${uploadId}`]);
    }
  }
  await cleanUp(api.room, () => Number.POSITIVE_INFINITY);
  expect((await api.room.payloads.list(`groups/${name}/`, undefined)).items).toEqual([]);
});

test('a recovery that discards older ones and a commit at the same time: the commit stays', async () => {
  for (const round of rounds) {
    await submit(api, old, at(round), { retain: 3 });
    for (const state of ['one', 'two']) await checkpoint(api, old, at(round), state);
    const uploadId = await uploadBytes(api, old, at(round), 'three');
    const [committed] = await Promise.all([
      world.process().call('POST', `${at(round)}/checkpoints`, { uploadId }, old),
      recover(old, { discardOlder: true }),
    ]);
    expect(committed).toMatchObject({ status: 201, body: { checkpointId: 3 } });
    const { items } = (await api.call('GET', `${at(round)}/checkpoints`)).body;
    for (const { url } of items) expect(await download(url)).toMatch(/^(one|two|three)$/);
    expect(items.at(-1).checkpointId).toBe(3);
    await api.call('POST', `${at(round)}/finish`, { result: 'succeeded' }, old);
  }
});
