/** The life of a job: submitted, replaced, finished. Each write is one conditional request of the store. */
import { createHash } from 'node:crypto';
import { v7 } from 'uuid';
import type { Fence } from '../../api/fence.ts';
import { Problem } from '../../api/problem.ts';
import { uploadUsed } from '../../api/problems/jobs.ts';
import { termLost } from '../leadership/leadership.ts';
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
  refusal,
} from './job.ts';
import type { JobStore } from './job-store.ts';
import { payloadKey } from './payloads/upload.ts';
import { type Claimed, settle, type Uploads } from './payloads/uploads.ts';

export interface Jobs extends Uploads {
  readonly jobs: JobStore;
}

export interface Submitted {
  readonly graph: Claimed | { readonly inline: Uint8Array };
  /** 1 to 32; 1 for a new job unless given. */
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
  const graph = await settle(room, name, await asUpload(room, name, submitted.graph));
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
  for (let attempt = 0; attempt < 5; attempt += 1) {
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
  throw new Error(`Job "${name.jobId}" of group "${name.group}" changed five times during its submission`);
}

/** A graph in the request goes to the bucket all the same, under a key that nobody else knows. */
async function asUpload({ payloads, clock }: Jobs, { group, jobId }: JobName, graph: Submitted['graph']) {
  if (!('inline' in graph)) return graph;
  const uploadId = v7({ msecs: clock.now() });
  const sha256 = createHash('sha256').update(graph.inline).digest('hex');
  await payloads.put(payloadKey(group, jobId, uploadId), graph.inline, sha256);
  return { uploadId, sha256, bytes: graph.inline.byteLength };
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

/**
 * Records the result; the clean-up of the payloads follows by schedule. The same result again is answered as a success, another
 * one refused with `job_finished`. Throws `not_found` or `fenced`.
 */
export async function finish(
  { jobs, clock }: Jobs,
  name: JobName,
  fence: Fence,
  { outcome, detail }: { outcome: Outcome; detail?: string | undefined },
  requestId: string,
): Promise<JobState> {
  const result = { outcome, detail, finishedAt: clock.now(), requestId };
  const { won, lost } = await jobs.finish(name, fence.fencingVersion, result);
  if (won) return 'FINISHED';
  if (lost && !isDamaged(lost))
    refuseReusedKey(lost.result?.requestId, requestId, `POST /v1/groups/${name.group}/jobs/${name.jobId}/finish`);
  if (isSameResult(lost, fence, outcome)) return lost.state;
  throw refusal(name, lost, fence.fencingVersion) ?? new Error(`Job "${name.jobId}" cannot be finished`);
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
