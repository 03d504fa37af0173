/**
 * The rules of a commit: its effect on a job, and why one is refused. Pure: no SDK, no clock. Design:
 * docs/design/jobs.md, "Rules".
 */
import { ProblemError } from '../../api/problem.ts';
import { staleCheckpointId, tooManySavepoints, unexpectedCheckpoint } from '../../api/problems/checkpoints.ts';
import { uploadUsed } from '../../api/problems/jobs.ts';
import { refuseAsked } from './asked.ts';
import {
  ghosts,
  type Job,
  type JobName,
  type JobRecord,
  maxSavepoints,
  newestOf,
  type Payload,
  refusal,
  registerSlots,
  writableOrThrow,
} from './job.ts';

export type Kind = 'checkpoint' | 'savepoint';

export interface NewCheckpoint {
  readonly kind: Kind;
  readonly payload: Payload;
  /** Under which an earlier try of the same request may have been committed. */
  readonly otherPayloadId?: string | undefined;
  /** JSON. */
  readonly metadata?: unknown;
  /** The id that the service must give; the write is refused when its next one is another. */
  readonly expected?: number | undefined;
  /** The id that the application gives: above every committed one. Reserved before, or of its own counting. */
  readonly checkpointId?: number | undefined;
  readonly requestId: string;
}

export interface Committed {
  readonly checkpointId: number;
  /** Ids of the checkpoints that the job keeps now, newest last. */
  readonly retained: readonly number[];
  /** True for one that was committed before and has been dropped since: superseded by newer ones, or discarded. */
  readonly dropped?: true | undefined;
  /** The newest checkpoint, when this one has been dropped. */
  readonly supersededBy?: number | undefined;
}

/**
 * How a commit is written. `next`: the service gives the id. `fresh`: the application gives one that the service has
 * not reached. `reserved`: it gives one below the service's next, so that the next stays. `whole`: the job keeps more
 * checkpoints than the registers hold, so that the lists are read and written.
 */
export type Way = 'next' | 'fresh' | 'reserved' | 'whole';

/** Which way fits a job that nothing is known of. Id 0 is below every next one. */
export function firstWay({ checkpointId }: NewCheckpoint): Way {
  if (checkpointId === undefined) return 'next';
  return checkpointId === 0 ? 'reserved' : 'fresh';
}

function wayFor(job: Job, { kind, checkpointId }: NewCheckpoint): Way {
  if (kind === 'checkpoint' && job.retain > registerSlots) return 'whole';
  if (checkpointId === undefined) return 'next';
  return checkpointId < job.nextCheckpointId ? 'reserved' : 'fresh';
}

/** The id that the commit gets in this job. */
export const idFor = (job: Job, { checkpointId }: NewCheckpoint): number => checkpointId ?? job.nextCheckpointId;

/** The job after the commit, seen from the record before it. */
export function withCommit(job: Job, commit: NewCheckpoint, version: number): Job {
  const checkpointId = idFor(job, commit);
  const ref = { ...commit.payload, checkpointId, metadata: commit.metadata };
  const counted = {
    fence: version,
    newestCheckpointId: checkpointId,
    nextCheckpointId: Math.max(job.nextCheckpointId, checkpointId + 1),
  };
  if (commit.kind === 'savepoint') {
    const savepoints = [...job.savepoints, ref].sort((one, other) => one.checkpointId - other.checkpointId);
    return { ...job, ...counted, savepoints };
  }
  const commits = [{ payloadId: ref.payloadId, checkpointId }, ...job.commits].slice(0, job.retain + ghosts);
  const places = new Set(commits.slice(0, job.retain).map((one) => one?.checkpointId));
  const checkpoints = [ref, ...job.checkpoints].filter((one) => places.has(one.checkpointId));
  return { ...job, ...counted, commits, checkpoints };
}

/** The acknowledged checkpoint, and the payloads that nothing refers to any more, from the record before the commit. */
export function outcome(before: Job, commit: NewCheckpoint): { committed: Committed; drops?: string | undefined } {
  const after = withCommit(before, commit, before.fence);
  const retained = after.checkpoints.map((ref) => ref.checkpointId).reverse();
  const kept = new Set(after.checkpoints.map(({ checkpointId }) => checkpointId));
  const dropped = before.checkpoints.find(({ checkpointId }) => !kept.has(checkpointId));
  return { committed: { checkpointId: idFor(before, commit), retained }, drops: dropped?.payloadId };
}

/**
 * The outcome of an upload that was committed before, for a retry whose first answer was lost or came late. Throws
 * `upload_used` when it serves the job as something else; undefined when the job does not know it.
 */
export function earlierCommit(
  job: Job,
  {
    kind,
    payload,
    otherPayloadId,
  }: Pick<NewCheckpoint, 'kind' | 'otherPayloadId'> & { payload: { payloadId: string } },
): Committed | undefined {
  const ids = [payload.payloadId, ...(otherPayloadId === undefined ? [] : [otherPayloadId])];
  const isThis = (use: { payloadId?: string | undefined } | null | undefined) =>
    use?.payloadId !== undefined && ids.includes(use.payloadId);
  const checkpoint = job.commits.find(isThis);
  const savepoint = job.savepoints.find(isThis);
  const found = kind === 'checkpoint' ? checkpoint : savepoint;
  if (!found) {
    if (checkpoint || savepoint || isThis(job.graph)) throw used(job, payload.payloadId);
    return undefined;
  }
  const retained = job.checkpoints.map((ref) => ref.checkpointId).reverse();
  const { checkpointId } = found;
  if (kind === 'savepoint' || retained.includes(checkpointId)) return { checkpointId, retained };
  return { checkpointId, retained, dropped: true as const, supersededBy: retained.at(-1) };
}

function used({ jobId }: JobName, payloadId: string): ProblemError {
  return new ProblemError(
    uploadUsed,
    `Upload ${payloadId} already serves job "${jobId}" otherwise; begin a new upload.`,
  );
}

/**
 * A commit that lost its condition: an earlier try of it was committed, or it can be written, this way, to the job as
 * it is now.
 */
export type Loss =
  | { readonly kind: 'committed'; readonly committed: Committed }
  | { readonly kind: 'again'; readonly job: Job; readonly way: Way };

/** Judges a commit by the record that it lost to. Throws the problem when it is refused. */
export function afterLoss(name: JobName, record: JobRecord | undefined, version: number, commit: NewCheckpoint): Loss {
  const job = writableOrThrow(name, record, version, { finished: 'allowed' });
  refuseAsked(job, commit.requestId);
  const committed = earlierCommit(job, commit);
  if (committed) return { kind: 'committed', committed };
  const problem = refusal(name, job, version) ?? unexpected(job, commit) ?? stale(job, commit) ?? crowded(job, commit);
  if (problem) throw problem;
  return { kind: 'again', job, way: wayFor(job, commit) };
}

function unexpected({ group, jobId, nextCheckpointId }: Job, { expected }: NewCheckpoint): ProblemError | undefined {
  if (expected === undefined || expected === nextCheckpointId) return undefined;
  return new ProblemError(
    unexpectedCheckpoint,
    `The next checkpoint of job "${jobId}" of group "${group}" is ${nextCheckpointId}, expected was ${expected}; read the latest one before you continue.`,
    { expected, next: nextCheckpointId },
  );
}

function stale(job: Job, { checkpointId }: NewCheckpoint): ProblemError | undefined {
  const newest = newestOf(job);
  if (checkpointId === undefined || checkpointId > newest) return undefined;
  return new ProblemError(
    staleCheckpointId,
    `Checkpoint id ${checkpointId} is not above ${newest}, the newest of job "${job.jobId}" of group "${job.group}"; give a higher id.`,
    { checkpointId, newest },
  );
}

function crowded({ jobId, savepoints }: Job, { kind }: NewCheckpoint): ProblemError | undefined {
  if (kind === 'checkpoint' || savepoints.length < maxSavepoints) return undefined;
  return new ProblemError(
    tooManySavepoints,
    `Job "${jobId}" has ${savepoints.length} savepoints, the limit is ${maxSavepoints}; delete one by its id first.`,
    { limit: maxSavepoints },
  );
}
