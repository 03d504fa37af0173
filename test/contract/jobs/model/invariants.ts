import { expect } from 'vitest';
import { intact, type Job, referredPayloads } from '../../../../functions/jobs/job.ts';
import { payloadKey } from '../../../../functions/jobs/payloads/upload.ts';
import { checksumOf, type Stage } from './stage.ts';

export type Observed = ReadonlyMap<string, Job | undefined>;

const order = { ACTIVE: 0, FINISHED: 1, CLEANED: 2 } as const;

/** Invariants of any two observations, whatever happened in between. */
export function checkProgress(before: Observed, after: Observed): void {
  for (const [jobId, now] of after) {
    const then = before.get(jobId);
    if (!then) continue;
    if (!now) throw new Error(`${jobId} is gone`);
    expect(now.fence, `the fence of ${jobId} fell`).toBeGreaterThanOrEqual(then.fence);
    expect(now.nextCheckpointId, `ids of ${jobId} fell`).toBeGreaterThanOrEqual(then.nextCheckpointId);
    expect(order[now.state], `${jobId} runs again`).toBeGreaterThanOrEqual(order[then.state]);
    if (then.result) expect(now.result, `the result of ${jobId} changed`).toEqual(then.result);
    for (const ref of intact(now.checkpoints)) {
      const same = intact(then.checkpoints).find(({ checkpointId }) => checkpointId === ref.checkpointId);
      if (same) expect(ref, `checkpoint ${ref.checkpointId} of ${jobId} changed`).toEqual(same);
      else expect(ref.checkpointId, `${jobId} took an id twice`).toBeGreaterThanOrEqual(then.nextCheckpointId);
    }
  }
}

/** Invariants that hold at any time. */
export async function checkState(stage: Stage, observed: Observed): Promise<void> {
  const objects = await stage.objects();
  for (const job of observed.values()) {
    if (!job) continue;
    const ids = job.checkpoints.map(({ checkpointId }) => checkpointId);
    expect(ids, 'newest first, each once').toEqual([...new Set(ids)].sort((one, other) => other - one));
    expect(ids.length, `${job.jobId} retains too many`).toBeLessThanOrEqual(job.retain);
    for (const ref of [...job.checkpoints, ...job.savepoints])
      expect(ref.checkpointId).toBeLessThan(job.nextCheckpointId);
    const kept = [...(job.state === 'ACTIVE' ? job.checkpoints : []), ...job.savepoints];
    const payloads = kept.map(({ payloadId }) => payloadId ?? 'unknown');
    expect(new Set(payloads).size, `${job.jobId} refers to a payload twice`).toBe(payloads.length);
    for (const payloadId of payloads) {
      const stored = objects.get(payloadKey(stage.group, job.jobId, payloadId));
      expect(stored?.checksum, `payload ${payloadId} of ${job.jobId}`).toBe(
        checksumOf(stage.contents.get(payloadId) ?? 'never uploaded'),
      );
    }
    if (job.state === 'ACTIVE') {
      expect(objects.has(payloadKey(stage.group, job.jobId, job.graph?.payloadId ?? 'unknown'))).toBe(true);
    }
  }
  for (const key of stage.recorded) expect(objects.has(key), `recorded by a backup: ${key}`).toBe(true);
}

/** A job that a newer version has touched shows no trace of an older one's request. */
export function checkUntouched(jobId: string, before: Observed, after: Observed): void {
  expect(after.get(jobId), `a stale write to ${jobId} had an effect`).toEqual(before.get(jobId));
}

/** Once nobody writes and the collector has run without a grace. */
export async function checkNothingLeft(stage: Stage, observed: Observed): Promise<void> {
  const referred = [...observed.values()].flatMap((job) =>
    job ? [...referredPayloads(job)].map((payloadId) => payloadKey(stage.group, job.jobId, payloadId)) : [],
  );
  expect([...(await stage.objects()).keys()].sort()).toEqual(referred.sort());
}
