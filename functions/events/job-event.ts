import { intact, isDamaged, type Job, newestOf } from '../jobs/job.ts';
import { toJob } from '../jobs/job-item.ts';
import type { Change } from './change.ts';
import { type RawEvent, UnreadableChangeError } from './raw-event.ts';

/**
 * A job that is ACTIVE for the first time was submitted; one with another request's graph was submitted again; one
 * whose newest checkpoint id has risen has a new checkpoint. Writes of recovery, retention, backups and the clean-up
 * are not events.
 */
export function jobEvent({ before, after }: Change): RawEvent | undefined {
  const was = toJob(before);
  const is = toJob(after);
  if (!is) return undefined;
  if (isDamaged(is)) throw new UnreadableChangeError(`A job: ${is.damage}`);
  const common = { jobId: is.jobId, fencingVersion: is.fence };
  if (!was)
    return is.state === 'ACTIVE'
      ? { type: 'Job Submitted', ...common, replaced: false, at: is.submittedAt }
      : undefined;
  if (isDamaged(was) || was.state !== 'ACTIVE') return undefined;
  if (is.state === 'FINISHED') {
    return { type: 'Job Finished', ...common, result: is.result?.outcome, at: is.result?.finishedAt };
  }
  if (is.state !== 'ACTIVE') return undefined;
  if (newestOf(is) > newestOf(was)) return { type: 'Checkpoint Committed', ...common, ...committed(is) };
  if (is.requestId === was.requestId) return undefined;
  return { type: 'Job Submitted', ...common, replaced: true, at: is.graph?.committedAt };
}

function committed(job: Job) {
  const { commits, checkpoints, savepoints } = job;
  const checkpointId = newestOf(job);
  const kind = commits[0]?.checkpointId === checkpointId ? 'checkpoint' : 'savepoint';
  const refs = intact(kind === 'checkpoint' ? checkpoints : savepoints);
  const ref = refs.find((one) => one.checkpointId === checkpointId);
  return { checkpointId, kind, bytes: ref?.bytes, sha256: ref?.sha256, at: ref?.committedAt };
}
