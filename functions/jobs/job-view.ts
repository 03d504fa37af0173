import type * as z from 'zod/mini';
import type { listedJob, shownCheckpoint, shownJob, shownPayload } from '../../api/operations/jobs.ts';
import { instant } from '../../store/clock.ts';
import { type Checkpoint, intact, isDamaged, isWhole, type Job, type JobRecord, type Payload } from './job.ts';

const toPayloadView = ({ bytes, sha256, committedAt }: Payload): z.input<typeof shownPayload> => ({
  bytes,
  sha256,
  committedAt: instant(committedAt),
});

export const toCheckpointView = (checkpoint: Checkpoint): z.input<typeof shownCheckpoint> => ({
  checkpointId: checkpoint.checkpointId,
  ...toPayloadView(checkpoint),
  ...(checkpoint.metadata === undefined ? {} : { metadata: checkpoint.metadata as never }),
});

/** A job as the API shows it. Checkpoints that a finished job's clean-up is about to delete are left out. */
export function toJobView(job: Job): z.input<typeof shownJob> {
  const whole = isWhole(job);
  const { metadata, result, cleanUp } = job;
  return {
    jobId: job.jobId,
    state: job.state,
    fencingVersion: job.fence,
    graph: whole && job.graph ? toPayloadView(job.graph) : null,
    ...(metadata === undefined ? {} : { metadata: metadata as never }),
    retain: job.retain,
    checkpoints: whole ? intact(job.checkpoints).reverse().map(toCheckpointView) : [],
    savepoints: intact(job.savepoints).map(toCheckpointView),
    nextCheckpointId: job.nextCheckpointId,
    submittedAt: instant(job.submittedAt),
    ...(result && { result: result.outcome, finishedAt: instant(result.finishedAt) }),
    ...(result?.detail !== undefined && { detail: result.detail }),
    ...(cleanUp && job.state === 'FINISHED' && { cleanUp }),
  };
}

/** The same in a list, where a damaged job fails nobody else. */
export function toListedJob(record: JobRecord): z.input<typeof listedJob> {
  if (!isDamaged(record)) return toJobView(record);
  return { jobId: record.jobId, state: 'DAMAGED', reason: record.damage };
}
