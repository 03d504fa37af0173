/** Committing, reading and discarding the checkpoints of a job. */

import { notFound, Problem } from '../../api/problem.ts';
import { payloadMissing } from '../../api/problems/jobs.ts';
import { afterLoss, type Committed, earlierCommit, type Kind, outcome } from './checkpoint.ts';
import type { CheckpointStore } from './checkpoint-store.ts';
import { type Checkpoint, intact, isDamaged, type Job, type JobName, type JobRecord, refusal } from './job.ts';
import { type Jobs, show } from './jobs.ts';
import { drop, type HeldDeletes } from './payloads/held-deletes.ts';
import { readUpload } from './payloads/upload.ts';
import { type Claimed, settle } from './payloads/uploads.ts';

export interface Checkpoints extends Jobs {
  readonly checkpoints: CheckpointStore;
  readonly held: HeldDeletes;
  /** How long a finished job and its result can still be read. */
  readonly resultRetentionDays: number;
}

export interface Commit extends Claimed {
  readonly kind: Kind;
  readonly metadata?: unknown;
  /** The id that this checkpoint must get. */
  readonly expectedCheckpointId?: number | undefined;
}

/**
 * Commits an uploaded checkpoint: verifies the payload, writes the reference, and only then deletes what the write has dropped.
 * An upload that was committed before is answered with what became of it. Throws `not_found`, `fenced`, `job_finished`,
 * `unexpected_checkpoint`, `too_many_savepoints`, `upload_used` and what `settle` throws; nothing is written or deleted then.
 */
export async function commit(room: Checkpoints, name: JobName, version: number, given: Commit): Promise<Committed> {
  const { kind, metadata, expectedCheckpointId: expected } = given;
  const payload = await settle(room, name, given).catch(async (error: unknown) => {
    if (!(error instanceof Problem) || error.kind !== payloadMissing) throw error;
    return { earlier: await lateRetry(room, name, version, given, error) };
  });
  if ('earlier' in payload) return payload.earlier;
  const checkpoint = { kind, payload, metadata, expected };
  const { before, lost } = await room.checkpoints.commit(name, version, checkpoint);
  if (!before) return afterLoss(name, lost, version, checkpoint);
  if (isDamaged(before)) throw refusal(name, before, version);
  const { committed, drops } = outcome(before, kind);
  if (drops) await drop(room, before, [drops]);
  return committed;
}

/** The payload of a commit that was superseded is gone, its id is still known. */
async function lateRetry(
  room: Checkpoints,
  name: JobName,
  version: number,
  { kind, uploadId }: Commit,
  missing: Problem,
) {
  const record = await room.jobs.read(name);
  const refused = refusal(name, record, version, { finished: 'allowed' });
  if (refused) throw refused;
  const { payloadId } = readUpload(uploadId);
  const earlier = earlierCommit(record as Job, { kind, payload: { payloadId } });
  if (!earlier) throw missing;
  return earlier;
}

/** The checkpoints that an active job keeps, newest last; none of a finished one. */
export async function list(room: Checkpoints, name: JobName): Promise<Checkpoint[]> {
  const job = await show(room, name);
  return job.state === 'ACTIVE' ? intact(job.checkpoints).reverse() : [];
}

/** Throws `not_found` when the job has none. */
export async function latest(room: Checkpoints, name: JobName): Promise<Checkpoint> {
  const newest = (await list(room, name)).at(-1);
  if (newest) return newest;
  throw new Problem(notFound, `Job "${name.jobId}" of group "${name.group}" has no checkpoint.`);
}

/** One checkpoint or savepoint by its id. Throws `not_found`, also for one that was dropped. */
export async function find(room: Checkpoints, name: JobName, checkpointId: number): Promise<Checkpoint> {
  const job = await show(room, name);
  const kept = [...(job.state === 'ACTIVE' ? job.checkpoints : []), ...job.savepoints];
  const found = intact(kept).find((one) => one.checkpointId === checkpointId);
  if (found) return found;
  const ids = kept.map((ref) => ref.checkpointId).sort((one, other) => one - other);
  throw new Problem(
    notFound,
    `Job "${name.jobId}" of group "${name.group}" has no checkpoint ${checkpointId}; it has ${ids.join(', ') || 'none'}.`,
  );
}

/**
 * Drops all checkpoints, not the savepoints; answers how many. A retry of the last discard drops nothing more: what was committed since
 * stays. Throws `not_found`, `fenced`, `job_finished`.
 */
export async function discardAll(room: Checkpoints, name: JobName, version: number, request: string): Promise<number> {
  const { before, lost } = await room.checkpoints.discardAll(name, version, request);
  const record = before ?? lost;
  if (isRepeated(lost, version, request)) return 0;
  if (!before || isDamaged(before)) throw refusal(name, record, version) ?? unexplained(name);
  await drop(
    room,
    before,
    before.checkpoints.flatMap(({ payloadId }) => payloadId ?? []),
  );
  return before.checkpoints.length;
}

function isRepeated(record: JobRecord | undefined, version: number, request: string): boolean {
  if (!record || isDamaged(record)) return false;
  return record.discardedBy === request && record.fence <= version;
}

/** Drops a savepoint, also of a finished job. Throws `not_found` or `fenced`. */
export async function discardSavepoint(
  room: Checkpoints,
  name: JobName,
  version: number,
  checkpointId: number,
): Promise<number> {
  for (let attempt = 0; attempt < 5; attempt += 1) {
    const job = await show(room, name);
    const refused = refusal(name, job, version, { finished: 'allowed' });
    if (refused) throw refused;
    const savepoint = job.savepoints.find((one) => one.checkpointId === checkpointId);
    if (!savepoint?.payloadId) {
      // An earlier try may have removed it without hearing so.
      if (attempt > 0) return 1;
      throw new Problem(notFound, `Job "${name.jobId}" of group "${name.group}" has no savepoint ${checkpointId}.`);
    }
    const isLast = job.state === 'CLEANED' && job.savepoints.length === 1;
    const ttl = isLast ? goneAt(job, room) : undefined;
    const { before } = await room.checkpoints.removeSavepoint(name, version, savepoint.payloadId, ttl);
    if (!before) continue;
    await drop(room, before, [savepoint.payloadId]);
    return 1;
  }
  throw unexplained(name);
}

/** When a finished job that keeps no savepoint goes, epoch seconds. */
export function goneAt(
  { result }: Job,
  { resultRetentionDays, clock }: Pick<Checkpoints, 'resultRetentionDays' | 'clock'>,
): number {
  return Math.floor((result?.finishedAt ?? clock.now()) / 1_000) + resultRetentionDays * 24 * 3_600;
}

const unexplained = ({ jobId }: JobName) => new Error(`Job "${jobId}" changes too fast`);
