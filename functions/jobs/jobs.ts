/** The life of a job: submitted, replaced, finished. Each write is one conditional request of the store. */
import { v7 } from 'uuid';
import type { Fence } from '../../api/fence.ts';
import { contention, limitReached, ProblemError } from '../../api/problem.ts';
import { uploadUsed } from '../../api/problems/jobs.ts';
import { termLost } from '../../leadership/leadership.ts';
import { isLive, type LeadershipRecord } from '../../leadership/lease.ts';
import { refuseReusedKey } from '../../store/idempotency.ts';
import { timely } from '../../store/timely.ts';
import { refuseAsked } from './asked.ts';
import {
  fencedOff,
  isDamaged,
  type Job,
  type JobName,
  type JobRecord,
  type JobState,
  type Outcome,
  type Result,
  refusal,
  writableOrThrow,
} from './job.ts';
import type { JobStore, Submission } from './job-store.ts';
import { type Claimed, completeUpload, putInline, type Uploads } from './payloads/uploads.ts';

export interface Jobs extends Uploads {
  readonly jobs: JobStore;
  /** The leadership of a group, strongly consistent. */
  readLeadership(group: string): Promise<LeadershipRecord | undefined>;
  /** Jobs of a group that may exist at a time and are not cleaned up. */
  readonly mostJobs: number;
}

/** Throws `leadership_lost` unless the fence is that of the running term. */
export async function requireTerm(
  { readLeadership, clock }: Pick<Jobs, 'readLeadership' | 'clock'>,
  group: string,
  fence: Fence,
): Promise<void> {
  const leadership = await readLeadership(group);
  if (!isLive(leadership, fence, clock.now())) throw termLost(group, fence, leadership);
}

export interface Submitted {
  readonly graph: Claimed | { readonly inline: Uint8Array };
  /** 1 to 256; 1 for a new job unless given. */
  readonly retain?: number | undefined;
  readonly metadata?: unknown;
}

/**
 * Submits a job, once its graph is in the bucket. An id that is active already gets the new graph and keeps its
 * checkpoints; a retry of the submission that is in force changes nothing. Throws `leadership_lost` when the fence is
 * not that of the running term, `fenced`, `job_finished`, `upload_used`, and what `completeUpload` throws.
 */
export async function submit(
  room: Jobs,
  name: JobName,
  fence: Fence,
  submitted: Submitted,
  requestId: string,
): Promise<void> {
  const graph =
    'inline' in submitted.graph
      ? await putInline(room, name, v7({ msecs: room.clock.now() }), submitted.graph.inline)
      : await completeUpload(room, name, submitted.graph);
  const { retain, metadata } = submitted;
  const job: Job = {
    ...name,
    state: 'ACTIVE',
    fence: fence.fencingVersion,
    graph,
    metadata,
    retain: retain ?? 1,
    checkpoints: [],
    savepoints: [],
    commits: [],
    nextCheckpointId: 1,
    submittedAt: room.clock.now(),
    requestId,
  };
  const submission = await put(room, job, fence);
  if (submission.won) return;
  let { present } = submission;
  for (let tried = 0; tried < conflictTries; tried += 1) {
    const seen = writableOrThrow(name, present, fence.fencingVersion);
    for (const earlier of [seen.requestId, seen.requestBefore])
      refuseReusedKey(earlier, requestId, `PUT /v1/groups/${name.group}/jobs/${name.jobId}`);
    if (isRepeated(seen, graph.payloadId, requestId)) return;
    if (isUsed(seen, graph.payloadId)) throw used(name, graph.payloadId);
    const write = await room.jobs.replace(seen, fence.fencingVersion, { graph, retain, metadata, requestId });
    if (write.won) return;
    present = write.lost;
  }
  throw contended(name);
}

/**
 * Puts a new job. Throws `leadership_lost` or `fenced` for another term, `limit_reached` when the job is new and the
 * group is full.
 */
async function put(room: Jobs, job: Job, fence: Fence): Promise<Submission> {
  const { answer } = await timely(room, (now) => room.jobs.submit(job, fence, now, room.mostJobs));
  if (answer.won) return answer;
  const { present, ended, jobs } = answer;
  if (ended) throw fencedOff(present, fence.fencingVersion) ?? termLost(job.group, fence, ended.leadership);
  if (jobs !== undefined && !present) throw full(job, jobs, room.mostJobs);
  return answer;
}

function full({ group, jobId }: JobName, jobs: number, limit: number): ProblemError {
  return new ProblemError(
    limitReached,
    `Group "${group}" has ${jobs} of at most ${limit} jobs that are not cleaned up; finish some before you submit "${jobId}".`,
    { limit, of: 'jobs' },
  );
}

/** Each of them loses to another write that has taken effect. */
export const conflictTries = 5;

export function contended({ group, jobId }: JobName): ProblemError {
  const members = { retryAfterMs: 100 };
  return new ProblemError(contention, `Too much contention on job "${jobId}" of group "${group}". Retry.`, members);
}

function isRepeated({ graph, requestId, requestBefore }: Job, payloadId: string, request: string): boolean {
  return graph?.payloadId === payloadId || requestId === request || requestBefore === request;
}

/** An upload older than the present graph counts as used: a late retry would bring a replaced graph back. */
function isUsed({ graph, commits, savepoints }: Job, payloadId: string): boolean {
  if (graph && payloadId < graph.payloadId) return true;
  return [...commits, ...savepoints].some((use) => use?.payloadId === payloadId);
}

function used({ jobId }: JobName, payloadId: string): ProblemError {
  return new ProblemError(
    uploadUsed,
    `Upload ${payloadId} of job "${jobId}" is already used for something else, or older than the current graph; begin a new upload.`,
  );
}

export interface Finishing {
  readonly outcome: Outcome;
  readonly detail?: string | undefined;
  /** Keeps everything until the application has acknowledged its own clean-up. */
  readonly cleanUp?: 'held' | undefined;
}

export interface Finished {
  readonly state: JobState;
  /** Whether the job had been submitted. */
  readonly submitted: boolean;
}

/**
 * Records the result; the clean-up of the payloads follows by schedule, or once it is acknowledged. The same result
 * again is returned as a success, another one refused with `job_finished`. The result of a job that was never submitted
 * is remembered as well, by the running term. Throws `fenced`, `leadership_lost` or `idempotency_key_reused`.
 */
export async function finish(
  room: Jobs,
  name: JobName,
  fence: Fence,
  { outcome, detail, cleanUp }: Finishing,
  requestId: string,
): Promise<Finished> {
  const result = { outcome, detail, finishedAt: room.clock.now(), requestId };
  for (let tried = 0; tried < conflictTries; tried += 1) {
    const { won, lost } = await room.jobs.finish(name, fence.fencingVersion, result, cleanUp);
    if (won) return { state: 'FINISHED', submitted: true };
    if (lost && !isDamaged(lost)) {
      refuseAsked(lost, requestId);
      refuseReusedKey(lost.result?.requestId, requestId, `POST /v1/groups/${name.group}/jobs/${name.jobId}/finish`);
    }
    if (isSameResult(lost, fence, outcome)) return { state: lost.state, submitted: wasSubmitted(lost) };
    if (lost) throw refusal(name, lost, fence.fencingVersion) ?? contended(name);
    const job = neverSubmitted(name, fence, result, cleanUp);
    const submission = await put(room, job, fence);
    if (submission.won) return { state: 'FINISHED', submitted: false };
  }
  throw contended(name);
}

function neverSubmitted(name: JobName, fence: Fence, result: Result, cleanUp: 'held' | undefined): Job {
  return {
    ...name,
    state: 'FINISHED',
    fence: fence.fencingVersion,
    retain: 1,
    checkpoints: [],
    savepoints: [],
    commits: [],
    nextCheckpointId: 1,
    submittedAt: result.finishedAt,
    requestId: result.requestId,
    result,
    cleanUp,
  };
}

/** The result of a job that was never submitted made its record. */
const wasSubmitted = ({ requestId, result }: Job) => requestId !== result?.requestId;

function isSameResult(record: JobRecord | undefined, fence: Fence, outcome: Outcome): record is Job {
  if (!record || isDamaged(record) || record.state === 'ACTIVE') return false;
  return record.result?.outcome === outcome && record.fence <= fence.fencingVersion;
}

/** Throws `not_found` or `job_damaged`. */
export async function getOrThrow({ jobs }: Pick<Jobs, 'jobs'>, name: JobName): Promise<Job> {
  return writableOrThrow(name, await jobs.read(name), Number.POSITIVE_INFINITY, { finished: 'allowed' });
}
