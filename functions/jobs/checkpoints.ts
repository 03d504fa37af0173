/** Committing, reading and discarding the checkpoints of a job. */
import { notFound, ProblemError } from '../../api/problem.ts';
import { newestCheckpoint } from '../../api/problems/checkpoints.ts';
import { payloadMissing } from '../../api/problems/jobs.ts';
import { refuseAsked } from './asked.ts';
import {
  afterLoss,
  type Committed,
  earlierCommit,
  firstWay,
  type Kind,
  type Loss,
  type NewCheckpoint,
  outcome,
  type Way,
  withCommit,
} from './checkpoint.ts';
import type { CheckpointStore } from './checkpoint-store.ts';
import {
  type Checkpoint,
  intact,
  isDamaged,
  isWhole,
  type Job,
  type JobName,
  type JobRecord,
  refusal,
  writableOrThrow,
} from './job.ts';
import { conflictTries, contended, getOrThrow, type Jobs } from './jobs.ts';
import { drop, type HeldDeletes } from './payloads/held-deletes.ts';
import { inlinePayloadIds, readUpload } from './payloads/upload.ts';
import { type Claimed, completeUpload, putInline } from './payloads/uploads.ts';

export interface Checkpoints extends Jobs {
  readonly checkpoints: CheckpointStore;
  readonly held: HeldDeletes;
  /** How long a finished job and its result can still be read. */
  readonly resultRetentionDays: number;
}

export interface Commit {
  /** Uploaded before, or within the request. */
  readonly payload: Claimed | { readonly inline: Uint8Array };
  readonly kind: Kind;
  readonly metadata?: unknown;
  /** The id that the service must give to this checkpoint. */
  readonly expectedCheckpointId?: number | undefined;
  /** The id that the application gives to it. */
  readonly checkpointId?: number | undefined;
}

/**
 * Commits a checkpoint: verifies the payload, writes the reference, and only then deletes what the write has dropped.
 * An upload that was committed before is answered with what became of it. Throws `not_found`, `fenced`, `job_finished`,
 * `unexpected_checkpoint`, `stale_checkpoint_id`, `too_many_savepoints`, `upload_used` and what `completeUpload`
 * throws; no reference is written then, and nothing deleted.
 */
export async function commit(
  room: Checkpoints,
  name: JobName,
  version: number,
  given: Commit,
  requestId: string,
): Promise<Committed> {
  const { kind, metadata, expectedCheckpointId: expected, checkpointId } = given;
  const common = { kind, metadata, expected, checkpointId, requestId };
  if ('inline' in given.payload) {
    const { payloadId, otherPayloadId } = inlinePayloadIds(requestId, room.clock.now());
    const payload = await putInline(room, name, payloadId, given.payload.inline);
    return write(room, name, version, { ...common, payload, otherPayloadId });
  }
  const claimed = given.payload;
  const payload = await completeUpload(room, name, claimed).catch(async (error: unknown) => {
    if (!(error instanceof ProblemError) || error.kind !== payloadMissing) throw error;
    return { earlier: await lateRetry(room, name, version, kind, claimed, error) };
  });
  return 'earlier' in payload ? payload.earlier : write(room, name, version, { ...common, payload });
}

/** Writes without having read: only a write that has lost knows the job, and goes another way where one fits. */
async function write(room: Checkpoints, name: JobName, version: number, checkpoint: NewCheckpoint): Promise<Committed> {
  let loss: Extract<Loss, { kind: 'again' }> | undefined;
  for (let tried = 0; tried < conflictTries; tried += 1) {
    const way = loss?.way ?? firstWay(checkpoint);
    const change =
      way === 'whole' && loss
        ? await room.checkpoints.commitWhole(
            loss.job,
            version,
            withCommit(loss.job, checkpoint, version),
            checkpoint.requestId,
          )
        : await room.checkpoints.commit(name, version, checkpoint, way as Exclude<Way, 'whole'>);
    if (change.before) return describeCommit(room, name, version, change.before, checkpoint);
    const judged = afterLoss(name, change.lost, version, checkpoint);
    if (judged.kind === 'committed') return judged.committed;
    loss = judged;
  }
  throw contended(name);
}

async function describeCommit(
  room: Checkpoints,
  name: JobName,
  version: number,
  before: JobRecord,
  checkpoint: NewCheckpoint,
): Promise<Committed> {
  if (isDamaged(before)) throw refusal(name, before, version);
  const { committed: answer, drops } = outcome(before, checkpoint);
  if (drops) await drop(room, before, [drops]);
  return answer;
}

/**
 * Reserves the next checkpoint id for this caller: it rises, and is given to nobody else. Throws `not_found`, `fenced`,
 * `job_finished`, `idempotency_key_reused`.
 */
export async function reserve(
  room: Checkpoints,
  name: JobName,
  version: number,
  { atLeast = 0, requestId }: { readonly atLeast?: number | undefined; readonly requestId: string },
): Promise<number> {
  const unlessReused = (lost: JobRecord | undefined) => {
    if (lost && !isDamaged(lost)) refuseAsked(lost, requestId);
  };
  if (atLeast > 1) {
    const { before, lost } = await room.checkpoints.reserveUpTo(name, version, atLeast, requestId);
    if (before) return atLeast;
    unlessReused(lost);
    const isPast = lost && !isDamaged(lost) && lost.nextCheckpointId > atLeast;
    if (!isPast) throw refusal(name, lost, version) ?? contended(name);
  }
  const { before, lost } = await room.checkpoints.reserve(name, version, requestId);
  unlessReused(lost);
  if (!before || isDamaged(before)) throw refusal(name, before ?? lost, version) ?? contended(name);
  return before.nextCheckpointId;
}

/** The payload of a commit that was superseded is gone, its id is still known. */
async function lateRetry(
  room: Checkpoints,
  name: JobName,
  version: number,
  kind: Kind,
  { uploadId }: Claimed,
  missing: ProblemError,
) {
  const job = writableOrThrow(name, await room.jobs.read(name), version, { finished: 'allowed' });
  const { payloadId } = readUpload(uploadId);
  const earlier = earlierCommit(job, { kind, payload: { payloadId } });
  if (!earlier) throw missing;
  return earlier;
}

export interface Kept {
  readonly kind: Kind;
  readonly checkpoint: Checkpoint;
}

const kindOf = (kind: Kind) => (checkpoint: Checkpoint) => ({ kind, checkpoint });

/**
 * The checkpoints and savepoints that a job keeps, in order of their ids; of a finished one only the savepoints, unless
 * its clean-up is held.
 */
export async function list(room: Checkpoints, name: JobName): Promise<Kept[]> {
  const job = await getOrThrow(room, name);
  return keptOf(job).sort((one, other) => one.checkpoint.checkpointId - other.checkpoint.checkpointId);
}

function keptOf(job: Job): Kept[] {
  return [
    ...(isWhole(job) ? intact(job.checkpoints).map(kindOf('checkpoint')) : []),
    ...intact(job.savepoints).map(kindOf('savepoint')),
  ];
}

/** The newest checkpoint, no savepoint. Throws `not_found` when the job has none. */
export async function latest(room: Checkpoints, name: JobName): Promise<Kept> {
  const newest = (await list(room, name)).findLast(({ kind }) => kind === 'checkpoint');
  if (newest) return newest;
  throw new ProblemError(notFound, `Job "${name.jobId}" of group "${name.group}" has no checkpoint.`);
}

/** One checkpoint or savepoint by its id. Throws `not_found`, also for one that was dropped. */
export async function find(room: Checkpoints, name: JobName, checkpointId: number): Promise<Kept> {
  const kept = await list(room, name);
  const found = kept.find(({ checkpoint }) => checkpoint.checkpointId === checkpointId);
  if (found) return found;
  throw noCheckpoint(
    name,
    checkpointId,
    kept.map(({ checkpoint }) => checkpoint.checkpointId),
  );
}

function noCheckpoint({ group, jobId }: JobName, checkpointId: number, ids: readonly number[]): ProblemError {
  const known = ids.join(', ') || 'none';
  return new ProblemError(
    notFound,
    `Job "${jobId}" of group "${group}" has no checkpoint ${checkpointId}; it has ${known}.`,
  );
}

/**
 * Drops one checkpoint of an active job, or a savepoint, by its id. The newest checkpoint, which the next leader would
 * recover, only with `force`. Throws `not_found`, `fenced`, `job_finished` or `newest_checkpoint`.
 */
export async function discard(
  room: Checkpoints,
  name: JobName,
  version: number,
  checkpointId: number,
  force: boolean,
): Promise<number> {
  for (let tried = 0; tried < conflictTries; tried += 1) {
    const job = await getOrThrow(room, name);
    if (job.savepoints.some((one) => one.checkpointId === checkpointId))
      return discardSavepoint(room, name, version, checkpointId);
    writableOrThrow(name, job, version);
    const ids = job.checkpoints.map((one) => one.checkpointId);
    if (!ids.includes(checkpointId)) {
      // An earlier try may have dropped it without hearing so.
      if (tried > 0) return 1;
      throw noCheckpoint(name, checkpointId, ids);
    }
    if (ids[0] === checkpointId && !force) throw newest(name, checkpointId);
    const { before } = await room.checkpoints.dropOne(job, version, checkpointId);
    if (!before) continue;
    const dropped = job.checkpoints.find((one) => one.checkpointId === checkpointId);
    if (dropped?.payloadId) await drop(room, before, [dropped.payloadId]);
    return 1;
  }
  throw contended(name);
}

function newest({ group, jobId }: JobName, checkpointId: number): ProblemError {
  return new ProblemError(
    newestCheckpoint,
    `Checkpoint ${checkpointId} is the newest of job "${jobId}" of group "${group}", which the next leader would recover; pass force to drop it.`,
    { checkpointId },
  );
}

/**
 * Drops all checkpoints, not the savepoints; returns how many. A retry of the last discard drops nothing more: what was
 * committed since stays. Throws `not_found`, `fenced`, `job_finished`.
 */
export async function discardAll(room: Checkpoints, name: JobName, version: number, request: string): Promise<number> {
  const { before, lost } = await room.checkpoints.discardAll(name, version, request);
  const record = before ?? lost;
  if (isRepeated(lost, version, request)) return 0;
  if (!before || isDamaged(before)) throw refusal(name, record, version) ?? contended(name);
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
  for (let attempt = 0; attempt < conflictTries; attempt += 1) {
    const job = await getOrThrow(room, name);
    writableOrThrow(name, job, version, { finished: 'allowed' });
    const savepoint = job.savepoints.find((one) => one.checkpointId === checkpointId);
    if (!savepoint?.payloadId) {
      // An earlier try may have removed it without hearing so.
      if (attempt > 0) return 1;
      throw new ProblemError(
        notFound,
        `Job "${name.jobId}" of group "${name.group}" has no savepoint ${checkpointId}.`,
      );
    }
    const isLast = job.state === 'CLEANED' && job.savepoints.length === 1;
    const ttl = isLast ? goneAt(job, room) : undefined;
    const { before } = await room.checkpoints.removeSavepoint(name, version, savepoint.payloadId, ttl);
    if (!before) continue;
    await drop(room, before, [savepoint.payloadId]);
    return 1;
  }
  throw contended(name);
}

/** When a finished job that keeps no savepoint goes, epoch seconds. */
export function goneAt(
  { result }: Job,
  { resultRetentionDays, clock }: Pick<Checkpoints, 'resultRetentionDays' | 'clock'>,
): number {
  return Math.floor((result?.finishedAt ?? clock.now()) / 1_000) + resultRetentionDays * 24 * 3_600;
}
