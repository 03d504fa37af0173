import type * as z from 'zod/mini';
import type { shownCheckpoint, shownJob, shownPayload } from '../../api/operations/jobs.ts';
import { instant } from '../platform/clock.ts';
import { type Checkpoint, intact, type Job, type Payload } from './job.ts';

export const shownRef = ({ bytes, sha256, committedAt }: Payload): z.input<typeof shownPayload> => ({
  bytes,
  sha256,
  committedAt: instant(committedAt),
});

export const shownCheckpointRef = (checkpoint: Checkpoint): z.input<typeof shownCheckpoint> => ({
  checkpointId: checkpoint.checkpointId,
  ...shownRef(checkpoint),
  ...(checkpoint.metadata === undefined ? {} : { metadata: checkpoint.metadata as never }),
});

/** A job as the API shows it. What a finished job's clean-up is about to delete is not shown. */
export function shown(job: Job): z.input<typeof shownJob> {
  const active = job.state === 'ACTIVE';
  const { metadata, result } = job;
  return {
    jobId: job.jobId,
    state: job.state,
    fencingVersion: job.fence,
    graph: active && job.graph ? shownRef(job.graph) : null,
    ...(metadata === undefined ? {} : { metadata: metadata as never }),
    retain: job.retain,
    checkpoints: active ? intact(job.checkpoints).reverse().map(shownCheckpointRef) : [],
    savepoints: intact(job.savepoints).map(shownCheckpointRef),
    nextCheckpointId: job.nextCheckpointId,
    submittedAt: instant(job.submittedAt),
    ...(result && { result: result.outcome, finishedAt: instant(result.finishedAt) }),
    ...(result?.detail !== undefined && { detail: result.detail }),
  };
}
