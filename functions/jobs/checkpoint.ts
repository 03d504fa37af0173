/** What a commit does to a job, and why one is refused. Pure: no SDK, no clock. */

import { Problem } from '../../api/problem.ts';
import { tooManySavepoints, unexpectedCheckpoint } from '../../api/problems/checkpoints.ts';
import { uploadUsed } from '../../api/problems/jobs.ts';
import { isDamaged, type Job, type JobName, type JobRecord, maxSavepoints, type Payload, refusal } from './job.ts';

export type Kind = 'checkpoint' | 'savepoint';

export interface NewCheckpoint {
  readonly kind: Kind;
  readonly payload: Payload;
  /** JSON. */
  readonly metadata?: unknown;
  /** The id that it must get; the write is refused when the next one is another. */
  readonly expected?: number | undefined;
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

/** What was acknowledged, and which payload nothing refers to any more, seen from the record before the commit. */
export function outcome(before: Job, kind: Kind): { committed: Committed; drops?: string | undefined } {
  const checkpointId = before.nextCheckpointId;
  const kept = before.checkpoints.map((ref) => ref.checkpointId).reverse();
  if (kind === 'savepoint') return { committed: { checkpointId, retained: kept } };
  const oldest = before.commits[before.retain - 1];
  const dropped = oldest && kept.includes(oldest.checkpointId) ? oldest : undefined;
  const retained = [...kept.filter((id) => id !== dropped?.checkpointId), checkpointId];
  return { committed: { checkpointId, retained }, drops: dropped?.payloadId };
}

/**
 * What became of an upload that was committed before, for a retry whose first answer was lost or came late. Throws `upload_used`
 * when it serves the job as something else; undefined when the job does not know it.
 */
export function earlierCommit(
  job: Job,
  { kind, payload }: { kind: Kind; payload: { payloadId: string } },
): Committed | undefined {
  const isThis = (use: { payloadId?: string | undefined } | null | undefined) => use?.payloadId === payload.payloadId;
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

function used({ jobId }: JobName, payloadId: string): Problem {
  return new Problem(uploadUsed, `Upload ${payloadId} already serves job "${jobId}" otherwise; begin a new upload.`);
}

/** A commit that lost its condition: what an earlier try of it was answered, or the reason as a thrown problem. */
export function afterLoss(
  name: JobName,
  record: JobRecord | undefined,
  version: number,
  commit: NewCheckpoint,
): Committed {
  const refused = refusal(name, record, version, { finished: 'allowed' });
  if (refused || !record || isDamaged(record)) throw refused;
  const earlier = earlierCommit(record, commit);
  if (earlier) return earlier;
  throw (
    refusal(name, record, version) ??
    unexpected(record, commit) ??
    crowded(record, commit) ??
    new Error(`The commit to job "${name.jobId}" lost a condition that its record fulfils`)
  );
}

function unexpected({ group, jobId, nextCheckpointId }: Job, { expected }: NewCheckpoint): Problem | undefined {
  if (expected === undefined || expected === nextCheckpointId) return undefined;
  return new Problem(
    unexpectedCheckpoint,
    `The next checkpoint of job "${jobId}" of group "${group}" is ${nextCheckpointId}, expected was ${expected}; read the latest one before you go on.`,
    { expected, next: nextCheckpointId },
  );
}

function crowded({ jobId, savepoints }: Job, { kind }: NewCheckpoint): Problem | undefined {
  if (kind === 'checkpoint' || savepoints.length < maxSavepoints) return undefined;
  return new Problem(
    tooManySavepoints,
    `Job "${jobId}" has ${savepoints.length} savepoints, the limit is ${maxSavepoints}; delete one by its id first.`,
    { limit: maxSavepoints },
  );
}
