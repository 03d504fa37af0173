import { randomUUID } from 'node:crypto';
import * as fc from 'fast-check';
import { expect } from 'vitest';
import { cleanUp } from '../../../../functions/jobs/clean-up/clean-up.ts';
import { collectPage } from '../../../../functions/jobs/clean-up/collector.ts';
import { intact, isDamaged, livePayloads } from '../../../../functions/jobs/job.ts';
import { releaseDeletes } from '../../../../functions/jobs/payloads/held-deletes.ts';
import { payloadKey } from '../../../../functions/jobs/payloads/upload.ts';
import type { Answer } from '../../../support/job-world.ts';
import { checkProgress, checkState, checkUntouched, type Observed } from './invariants.ts';
import type { Age, Known, Mishap, Stage } from './stage.ts';

export const jobIds = ['a', 'b'] as const;
type JobId = (typeof jobIds)[number];

export async function observe(stage: Stage): Promise<Observed> {
  return new Map(await Promise.all(jobIds.map(async (jobId) => [jobId, await stage.observe(jobId)] as const)));
}

/** One step: what it does, and what its outcome must mean. The invariants are checked after each. */
class Step implements fc.AsyncCommand<object, Stage> {
  readonly #name: string;
  readonly #run: (stage: Stage, before: Observed) => Promise<((after: Observed) => void) | undefined>;

  constructor(name: string, run: (stage: Stage, before: Observed) => Promise<((after: Observed) => void) | undefined>) {
    this.#name = name;
    this.#run = run;
  }

  check(): boolean {
    return true;
  }

  async run(_model: object, stage: Stage): Promise<void> {
    const before = await observe(stage);
    const checkOutcome = await this.#run(stage, before);
    const after = await observe(stage);
    checkProgress(before, after);
    checkOutcome?.(after);
    await checkState(stage, after);
  }

  toString(): string {
    return this.#name;
  }
}

const refusedBy = (stage: Stage, jobId: JobId, age: Age, before: Observed) =>
  (before.get(jobId)?.fence ?? 0) > stage.fence(age).fencingVersion;

/** For a write by a term that the job has left behind: refused, and without a trace. Undefined for any other. */
function ifStale(stage: Stage, jobId: JobId, age: Age, before: Observed, { status, body }: Answer) {
  if (!refusedBy(stage, jobId, age, before)) return undefined;
  return (after: Observed) => {
    checkUntouched(jobId, before, after);
    expect(status < 300, `a stale write was acknowledged: ${JSON.stringify(body)}`).toBe(false);
  };
}

function committed(jobId: JobId, { kind, uploadId }: Known, { status, body }: Answer) {
  return (after: Observed) => {
    if (status !== 201) return;
    const job = after.get(jobId);
    const refs = kind === 'savepoint' ? job?.savepoints : job?.checkpoints;
    const found = refs?.find(({ checkpointId }) => checkpointId === body.checkpointId);
    expect(found?.payloadId, `the acknowledged ${kind} ${body.checkpointId} of ${jobId}`).toBe(uploadId);
  };
}

const elect = () =>
  new Step('elect', async (stage) => {
    await stage.elect();
    return undefined;
  });

const submit = (jobId: JobId, age: Age, retain: number, mishap?: Mishap) =>
  new Step(`submit ${jobId} by ${age} retaining ${retain}${suffix(mishap)}`, async (stage, before) => {
    const graph = { inline: Buffer.from(`graph of ${jobId}`).toString('base64') };
    const answer = await stage.process(mishap).call('PUT', stage.path(jobId), { graph, retain }, stage.fence(age));
    if (age > 0 && stage.fences.length > 1) {
      return (after) => {
        if (!before.get(jobId)) expect(after.get(jobId), 'submitted by a deposed leader').toBeUndefined();
        expect(answer.status < 300).toBe(false);
      };
    }
    return ifStale(stage, jobId, age, before, answer);
  });

const commit = (jobId: JobId, age: Age, kind: Known['kind'], mishap?: Mishap) =>
  new Step(`commit a ${kind} to ${jobId} by ${age}${suffix(mishap)}`, async (stage, before) => {
    const upload = await stage.upload(jobId, kind);
    const answer = await stage.commit(stage.process(mishap), jobId, upload, stage.fence(age));
    return ifStale(stage, jobId, age, before, answer) ?? committed(jobId, upload, answer);
  });

const retry = (jobId: JobId, age: Age, which: number, mishap?: Mishap) =>
  new Step(`commit upload ${which} of ${jobId} again by ${age}${suffix(mishap)}`, async (stage, before) => {
    const uploads = stage.uploads.get(jobId) ?? [];
    const upload = uploads[which % Math.max(1, uploads.length)];
    if (!upload) return undefined;
    const answer = await stage.commit(stage.process(mishap), jobId, upload, stage.fence(age));
    return ifStale(stage, jobId, age, before, answer) ?? committed(jobId, upload, answer);
  });

const commitTogether = (jobId: JobId, count: number, ages: readonly Age[], mishap?: Mishap) =>
  new Step(`commit ${count} to ${jobId} at a time by ${ages.join(' and ')}${suffix(mishap)}`, async (stage) => {
    const commits = Array.from({ length: count }, (_, at) => ages[at % ages.length] ?? 0);
    const answers = await Promise.all(
      commits.map(async (age, at) => {
        const upload = await stage.upload(jobId, 'checkpoint');
        const process = stage.process(at === 0 ? mishap : undefined);
        return stage.commit(process, jobId, upload, stage.fence(age));
      }),
    );
    return () => {
      const ids = answers.filter(({ status }) => status === 201).map(({ body }) => body.checkpointId);
      expect(new Set(ids).size, 'one id for two commits').toBe(ids.length);
    };
  });

const recover = (age: Age, discardOlder: boolean, mishap?: Mishap) =>
  new Step(`recover by ${age}${discardOlder ? ' and discard older' : ''}${suffix(mishap)}`, async (stage, before) => {
    const fence = stage.fence(age);
    const path = `/groups/${stage.group}/recovery`;
    const { status, body } = await stage.process(mishap).call('POST', path, { discardOlder }, fence);
    return (after) => {
      if (fence !== stage.fence(0)) expect(status < 300, 'a deposed leader recovered').toBe(false);
      if (status !== 200) return;
      const active = [...after].filter(([, job]) => job?.state === 'ACTIVE').map(([jobId]) => jobId);
      expect(body.damaged).toEqual([]);
      expect(body.jobs.map((one: { jobId: string }) => one.jobId)).toEqual(active);
      for (const { jobId, checkpoint } of body.jobs) {
        expect(after.get(jobId)?.fence).toBe(fence.fencingVersion);
        const [newest] = intact(before.get(jobId)?.checkpoints ?? []);
        expect(checkpoint?.checkpointId, `the newest of ${jobId}`).toBe(newest?.checkpointId);
        if (discardOlder && !mishap) expect(after.get(jobId)?.checkpoints.length).toBeLessThanOrEqual(1);
      }
    };
  });

const finish = (jobId: JobId, age: Age, mishap?: Mishap) =>
  new Step(`finish ${jobId} by ${age}${suffix(mishap)}`, async (stage, before) => {
    const path = `${stage.path(jobId)}/finish`;
    const answer = await stage.process(mishap).call('POST', path, { result: 'succeeded' }, stage.fence(age));
    return (
      ifStale(stage, jobId, age, before, answer) ??
      ((after) => {
        if (answer.status === 200) expect(after.get(jobId)?.state).not.toBe('ACTIVE');
      })
    );
  });

/** The classic race: leader 1 finishes while leader 2 recovers. */
const finishAgainstRecovery = (jobId: JobId) =>
  new Step(`finish ${jobId} while a new leader recovers`, async (stage) => {
    await stage.elect();
    const path = `${stage.path(jobId)}/finish`;
    const [finished, recovered] = await Promise.all([
      stage.process().call('POST', path, { result: 'succeeded' }, stage.fence(1)),
      stage.process().call('POST', `/groups/${stage.group}/recovery`, {}, stage.fence(0)),
    ]);
    return (after) => {
      const isRecovered = recovered.body.jobs.some((one: { jobId: string }) => one.jobId === jobId);
      if (isRecovered) expect(after.get(jobId)?.state).toBe('ACTIVE');
      if (finished.status === 200) expect(isRecovered, `${jobId} finished and was recovered`).toBe(false);
    };
  });

const discard = (jobId: JobId, age: Age, what: 'checkpoints' | 'savepoint', mishap?: Mishap) =>
  new Step(`discard ${what} of ${jobId} by ${age}${suffix(mishap)}`, async (stage, before) => {
    const id = before.get(jobId)?.savepoints[0]?.checkpointId ?? 1;
    const path = what === 'checkpoints' ? `${stage.path(jobId)}/checkpoints` : `${stage.path(jobId)}/savepoints/${id}`;
    const key = randomUUID();
    const answer = await stage.process(mishap).call('DELETE', path, {}, stage.fence(age), { 'Idempotency-Key': key });
    if (what === 'checkpoints') stage.discards.delete(jobId);
    if (what === 'checkpoints' && answer.status === 200) stage.discards.set(jobId, key);
    return (
      ifStale(stage, jobId, age, before, answer) ??
      ((after) => {
        if (answer.status !== 200) return;
        if (what === 'checkpoints') expect(after.get(jobId)?.checkpoints).toEqual([]);
        else expect(after.get(jobId)?.savepoints.some(({ checkpointId }) => checkpointId === id)).toBe(false);
      })
    );
  });

/** The first try of a discard arrives after its retry was acknowledged. */
const discardLate = (jobId: JobId) =>
  new Step(`the last discard of the checkpoints of ${jobId} again`, async (stage, before) => {
    const key = stage.discards.get(jobId);
    if (key === undefined) return undefined;
    const path = `${stage.path(jobId)}/checkpoints`;
    await stage.process().call('DELETE', path, {}, stage.fence(0), { 'Idempotency-Key': key });
    return (after) => expect(after.get(jobId)?.checkpoints).toEqual(before.get(jobId)?.checkpoints);
  });

const tidy = (mishap?: Mishap) =>
  new Step(`clean up and collect${suffix(mishap)}`, async (stage) => {
    const { room } = stage.process(mishap);
    // A crash ends the run; the next one does the rest.
    await cleanUp(room, () => Number.POSITIVE_INFINITY).catch(() => undefined);
    await collectPage(room, { group: stage.group, dryRun: false }).catch(() => undefined);
    return undefined;
  });

const backup = (mishap?: Mishap) =>
  new Step(`a backup begins or ends${suffix(mishap)}`, async (stage) => {
    const { held } = stage.observer.room;
    if (stage.held !== undefined) {
      stage.recorded.clear();
      await releaseDeletes(stage.process(mishap).room, stage.group, stage.held).catch(() => undefined);
      await releaseDeletes(stage.observer.room, stage.group, stage.held);
      stage.held = undefined;
      return undefined;
    }
    stage.held = `backup-${stage.fences.length}`;
    await held.hold(stage.group, stage.held);
    for (const jobId of jobIds) {
      const record = await held.holdJob({ group: stage.group, jobId }, stage.held);
      if (!record || isDamaged(record)) continue;
      for (const payloadId of livePayloads(record)) stage.recorded.add(payloadKey(stage.group, jobId, payloadId));
    }
    return undefined;
  });

const suffix = (mishap?: Mishap) => (mishap ? `, ${mishap.fault} at request ${mishap.at}` : '');

const jobId = fc.constantFrom(...jobIds);
const age = fc.constantFrom<Age>(0, 0, 0, 1, 2);
const kind = fc.constantFrom<Known['kind']>('checkpoint', 'checkpoint', 'savepoint');
const fault = fc.constantFrom('crash before', 'crash after', 'answer lost', 'duplicate', 'request lost', 'throttle');
const mishap = fc.option(fc.record({ at: fc.integer({ min: 1, max: 4 }), fault }), { nil: undefined, freq: 2 });

export const commands = [
  fc.constant(0).map(elect),
  fc.tuple(jobId, age, fc.integer({ min: 1, max: 3 }), mishap).map((given) => submit(...given)),
  fc.tuple(jobId, age, kind, mishap).map((given) => commit(...given)),
  fc.tuple(jobId, age, kind, mishap).map((given) => commit(...given)),
  fc.tuple(jobId, age, fc.nat(20), mishap).map((given) => retry(...given)),
  fc
    .tuple(jobId, fc.integer({ min: 2, max: 4 }), fc.array(age, { minLength: 1, maxLength: 2 }), mishap)
    .map((given) => commitTogether(...given)),
  fc.tuple(age, fc.boolean(), mishap).map((given) => recover(...given)),
  fc.tuple(jobId, age, mishap).map((given) => finish(...given)),
  jobId.map(finishAgainstRecovery),
  fc
    .tuple(jobId, age, fc.constantFrom<'checkpoints' | 'savepoint'>('checkpoints', 'savepoint'), mishap)
    .map((given) => discard(...given)),
  jobId.map(discardLate),
  mishap.map(tidy),
  mishap.map(backup),
];
