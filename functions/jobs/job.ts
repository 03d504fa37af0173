/**
 * A job's record and the rules that depend on the record alone. Pure: no SDK, no clock. Design: docs/design/jobs.md,
 * "States".
 *
 * The invariant: a job is ACTIVE if and only if a newly elected leader must recover it.
 *
 * Not guaranteed: that only the newest leader *works* on a job. A deposed leader may continue computing until it
 * notices; what it cannot do is write, from the moment its successor has claimed the job.
 */
import { notFound, ProblemError } from '../../api/problem.ts';
import { fenced, jobDamaged, jobFinished } from '../../api/problems/jobs.ts';

export type JobState = 'ACTIVE' | 'FINISHED' | 'CLEANED';
export type Outcome = 'succeeded' | 'failed' | 'cancelled';

/** Where a payload lies in the bucket, and how it is known again. */
export interface Payload {
  /** The last part of its key: a UUID v7. */
  readonly payloadId: string;
  readonly bytes: number;
  /** Of the whole, hex. */
  readonly sha256: string;
  /**
   * S3's checksum over the parts' checksums, for a payload that was uploaded in parts: base64, then `-` and their
   * number.
   */
  readonly composite?: string | undefined;
  /** Epoch ms. */
  readonly committedAt: number;
}

export interface Checkpoint extends Payload {
  /**
   * Rises with every commit, across leaders; never used twice. From 1 where the service gives it, from 0 where the
   * application does.
   */
  readonly checkpointId: number;
  /** JSON. */
  readonly metadata?: unknown;
}

/** An unreadable reference; its payload's id may still be known. */
export interface Malformed {
  readonly checkpointId: number;
  readonly payloadId?: string | undefined;
  readonly malformed: true;
}

export type CheckpointRef = Checkpoint | Malformed;

/** One commit of the recent past: which upload became which checkpoint. */
export interface Commit {
  readonly payloadId: string;
  readonly checkpointId: number;
}

export interface Result {
  readonly outcome: Outcome;
  readonly detail?: string | undefined;
  /** Epoch ms. */
  readonly finishedAt: number;
  readonly requestId: string;
}

export interface Asked {
  /** The kind of request: `c` to commit, `r` to reserve. */
  readonly kind: 'c' | 'r';
  /** Its short id. */
  readonly id: string;
}

export interface Job {
  readonly group: string;
  readonly jobId: string;
  readonly state: JobState;
  /** The highest fencing version that has touched the job. */
  readonly fence: number;
  /** Undefined when the reference is malformed or the job has been cleaned up. */
  readonly graph?: Payload | undefined;
  /** JSON. */
  readonly metadata?: unknown;
  /** How many checkpoints are kept: 1 to 256. */
  readonly retain: number;
  /** Newest first. */
  readonly checkpoints: readonly CheckpointRef[];
  /** In order of their ids. */
  readonly savepoints: readonly CheckpointRef[];
  /**
   * The last `retain` + 8 checkpoint commits, newest first, whatever became of them since; null where one is
   * unreadable.
   */
  readonly commits: readonly (Commit | null)[];
  /** The next id that the service gives: above every id that was committed or reserved. */
  readonly nextCheckpointId: number;
  /**
   * The highest id that was ever committed, -1 before the first; undefined where a record does not say it: see
   * `newestOf`.
   */
  readonly newestCheckpointId?: number | undefined;
  /** Rises whenever checkpoints are dropped, or the graph is replaced, without a commit. */
  readonly revision?: number | undefined;
  /** Epoch ms. */
  readonly submittedAt: number;
  /** Mark of the request that submitted it, or its present graph. */
  readonly requestId: string;
  /** Mark of the submission before, so that its late retry changes nothing. */
  readonly requestBefore?: string | undefined;
  /**
   * Mark of the last request that discarded all checkpoints, so that its late retry spares what was committed since.
   */
  readonly discardedBy?: string | undefined;
  /** The last requests that committed to it or reserved an id, the newest first. */
  readonly asked?: readonly Asked[] | undefined;
  readonly result?: Result | undefined;
  /** FINISHED only: everything stays until the application says that it has deleted what its checkpoints refer to. */
  readonly cleanUp?: 'held' | undefined;
  /** The backup that still copies what the job referred to when it was recorded: until then nothing is deleted. */
  readonly heldBy?: string | undefined;
}

/** A record of which nothing is known but that it exists. */
export interface DamagedJob {
  readonly group: string;
  readonly jobId: string;
  readonly damage: string;
}

export type JobRecord = Job | DamagedJob;

export const isDamaged = (record: JobRecord): record is DamagedJob => 'damage' in record;
/** A damaged record has no state that can be read. */
export const stateOf = (record: JobRecord): JobState | 'DAMAGED' => (isDamaged(record) ? 'DAMAGED' : record.state);
export const isMalformed = (ref: CheckpointRef): ref is Malformed => 'malformed' in ref;
export const intact = (refs: readonly CheckpointRef[]): Checkpoint[] =>
  refs.filter((ref): ref is Checkpoint => !isMalformed(ref));

export const maxRetain = 256;
/** Up to so many checkpoints are kept in registers, to which a commit adds one without reading them. */
export const registerSlots = 32;
/** How many commits stay known after their checkpoint was dropped, so that a late retry resurrects nothing. */
export const ghosts = 8;
export const maxSavepoints = 32;

export interface JobName {
  readonly group: string;
  readonly jobId: string;
}

/**
 * Why a term of this version may not write to the job: `not_found`, `job_damaged`, `fenced`, or `job_finished` unless
 * finished jobs may be written to as well. Undefined when it may.
 */
export function refusal(
  { group, jobId }: JobName,
  record: JobRecord | undefined,
  version: number,
  { finished = 'refused' }: { finished?: 'refused' | 'allowed' } = {},
): ProblemError | undefined {
  const job = `Job "${jobId}" of group "${group}"`;
  if (!record) return new ProblemError(notFound, `${job} does not exist; submit it first.`);
  if (isDamaged(record)) return new ProblemError(jobDamaged, `${job} cannot be read: ${record.damage}.`);
  const newer = fencedOff(record, version);
  if (newer) return newer;
  if (record.state === 'ACTIVE' || finished === 'allowed') return undefined;
  const outcome = record.result?.outcome ?? 'with an unknown result';
  return new ProblemError(jobFinished, `${job} has finished (${outcome}); submit new work under another id.`, {
    state: record.state,
    result: record.result?.outcome,
  });
}

/**
 * The job, if a term of this version may write to it. Throws `not_found`, `job_damaged`, `fenced`, or `job_finished` as
 * `refusal` says.
 */
export function writableOrThrow(
  name: JobName,
  record: JobRecord | undefined,
  version: number,
  options: { finished?: 'refused' | 'allowed' } = {},
): Job {
  const refused = refusal(name, record, version, options);
  if (refused || !record || isDamaged(record)) throw refused;
  return record;
}

/** Why a term of this version may not touch the job any more: `fenced`, once a newer one has. */
export function fencedOff(record: JobRecord | undefined, version: number): ProblemError | undefined {
  if (!record || isDamaged(record) || record.fence <= version) return undefined;
  return new ProblemError(
    fenced,
    `Job "${record.jobId}" of group "${record.group}" has been touched by fencing version ${record.fence}, yours is ${version}: stop the work of your term.`,
    { yours: version, current: record.fence },
  );
}

/** The highest id that was ever committed, -1 before the first. */
export function newestOf({ newestCheckpointId, commits, checkpoints, savepoints }: Job): number {
  if (newestCheckpointId !== undefined) return newestCheckpointId;
  return Math.max(-1, ...[...commits, ...checkpoints, ...savepoints].map((one) => one?.checkpointId ?? -1));
}

/**
 * Whether what the job refers to is its own still: of a finished job's references the clean-up may have deleted some.
 */
export const isWhole = ({ state, cleanUp }: Job): boolean =>
  state === 'ACTIVE' || (state === 'FINISHED' && cleanUp === 'held');

/** Every payload that the record refers to and that must therefore stay. A finished job keeps its savepoints. */
export function referredPayloads(job: Job): Set<string> {
  const kept = job.state === 'CLEANED' ? job.savepoints : [...job.checkpoints, ...job.savepoints];
  const ids = kept.flatMap(({ payloadId }) => payloadId ?? []);
  return new Set(job.graph && job.state !== 'CLEANED' ? [...ids, job.graph.payloadId] : ids);
}

/**
 * The payloads that a backup of the record must copy: of a finished job only its savepoints, since the clean-up may
 * have deleted some of the rest already.
 */
export function livePayloads(job: Job): Set<string> {
  if (isWhole(job)) return referredPayloads(job);
  return new Set(job.savepoints.flatMap(({ payloadId }) => payloadId ?? []));
}

/** The payloads that a finished job's clean-up deletes: its checkpoints, then its graph. */
export function owedPayloads({ checkpoints, graph }: Job): string[] {
  const ids = checkpoints.flatMap(({ payloadId }) => payloadId ?? []);
  return graph ? [...ids, graph.payloadId] : ids;
}
