/** The life of a job: submitted, replaced, finished. Each write is one conditional request of the store. */
import { v7 } from 'uuid';
import type { Fence } from '../../api/fence.ts';
import { contention, Problem } from '../../api/problem.ts';
import { uploadUsed } from '../../api/problems/jobs.ts';
import { termLost } from '../leadership/leadership.ts';
import { isLive, type LeadershipRecord } from '../leadership/lease.ts';
import { refuseReusedKey } from '../platform/idempotency.ts';
import { timely } from '../platform/timely.ts';
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
} from './job.ts';
import type { JobStore } from './job-store.ts';
import { type Claimed, putInline, settle, type Uploads } from './payloads/uploads.ts';

export interface Jobs extends Uploads {
  readonly jobs: JobStore;
  /** The leadership of a group, strongly consistent. */
  readLeadership(group: string): Promise<LeadershipRecord | undefined>;
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
 * Submits a job, once its graph is in the bucket. An id that is active already gets the new graph and keeps its checkpoints; a retry
 * of the submission that is in force changes nothing. Throws `leadership_lost` when the fence is not that of the running term, `fenced`,
 * `job_finished`, `upload_used`, and what `settle` throws.
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
      : await settle(room, name, submitted.graph);
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
  const { answer: submission } = await timely(room, (now) => room.jobs.submit(job, fence, now));
  if (submission.won) return;
  let { present } = submission;
  const { ended } = submission;
  if (ended) throw fencedOff(present, fence.fencingVersion) ?? termLost(name.group, fence, ended.leadership);
  for (let tried = 0; tried < conflictTries; tried += 1) {
    const refused = refusal(name, present, fence.fencingVersion);
    if (refused) throw refused;
    const seen = present as Job;
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

/** Each of them loses to another write that has taken effect. */
export const conflictTries = 5;

export function contended({ group, jobId }: JobName): Problem {
  const members = { retryAfterMs: 100 };
  return new Problem(contention, `Too much contention on job "${jobId}" of group "${group}". Retry.`, members);
}

function isRepeated({ graph, requestId, requestBefore }: Job, payloadId: string, request: string): boolean {
  return graph?.payloadId === payloadId || requestId === request || requestBefore === request;
}

/** An upload older than the present graph counts as used: a late retry would bring a replaced graph back. */
function isUsed({ graph, commits, savepoints }: Job, payloadId: string): boolean {
  if (graph && payloadId < graph.payloadId) return true;
  return [...commits, ...savepoints].some((use) => use?.payloadId === payloadId);
}

function used({ jobId }: JobName, payloadId: string): Problem {
  return new Problem(
    uploadUsed,
    `Upload ${payloadId} of job "${jobId}" is already used for something else, or older than the graph that is there; begin a new upload.`,
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
 * Records the result; the clean-up of the payloads follows by schedule, or once it is acknowledged. The same result again is returned as a
 * success, another one refused with `job_finished`. The result of a job that was never submitted is remembered as well, by the running term.
 * Throws `fenced`, `leadership_lost` or `idempotency_key_reused`.
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
    if (lost && !isDamaged(lost))
      refuseReusedKey(lost.result?.requestId, requestId, `POST /v1/groups/${name.group}/jobs/${name.jobId}/finish`);
    if (isSameResult(lost, fence, outcome)) return { state: lost.state, submitted: lost.graph !== undefined };
    if (lost) throw refusal(name, lost, fence.fencingVersion) ?? contended(name);
    const job = neverSubmitted(name, fence, result, cleanUp);
    const { answer: submission } = await timely(room, (now) => room.jobs.submit(job, fence, now));
    if (submission.won) return { state: 'FINISHED', submitted: false };
    const { present, ended } = submission;
    if (ended) throw fencedOff(present, fence.fencingVersion) ?? termLost(name.group, fence, ended.leadership);
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

function isSameResult(record: JobRecord | undefined, fence: Fence, outcome: Outcome): record is Job {
  if (!record || isDamaged(record) || record.state === 'ACTIVE') return false;
  return record.result?.outcome === outcome && record.fence <= fence.fencingVersion;
}

/** Throws `not_found` or `job_damaged`. */
export async function show({ jobs }: Pick<Jobs, 'jobs'>, name: JobName): Promise<Job> {
  const record = await jobs.read(name);
  const refused = refusal(name, record, Number.POSITIVE_INFINITY, { finished: 'allowed' });
  if (refused) throw refused;
  return record as Job;
}
