/**
 * The jobs that a newly elected leader must continue. Claiming a job raises its fence and shows what it refers to in
 * the same write: from then on the old leader's writes to it fail and change nothing.
 *
 *   leader 1  ── finish ──▶ stalls … ──▶ arrives                    leader 1  ── finish ──▶ arrives
 *   leader 2              claims ▲        refused: fence 2 > 1      leader 2                    claims: not ACTIVE, left out
 *                         the job runs on under leader 2                                        the job never runs again
 */

import type { Fence } from '../../api/fence.ts';
import { fenced } from '../../api/problems/jobs.ts';
import { mapConcurrent } from '../../archive/map-concurrent.ts';
import { logger } from '../platform/logging.ts';
import type { Checkpoints } from './checkpoints.ts';
import {
  type Checkpoint,
  type CheckpointRef,
  isDamaged,
  isMalformed,
  type Job,
  type JobName,
  type JobRecord,
  type Payload,
  refusal,
} from './job.ts';
import type { Page } from './job-store.ts';
import { requireTerm } from './jobs.ts';
import { jobKey } from './keys.ts';
import { drop } from './payloads/held-deletes.ts';
import { payloadKey } from './payloads/upload.ts';
import { damageOf } from './payloads/uploads.ts';

export type Recovery = Checkpoints;

export interface RecoveryOptions {
  /** Handling of a damaged newest checkpoint: list the job as damaged, or also take the next older intact one. */
  readonly onDamaged: 'fail' | 'fallback';
  /** Drops all checkpoints but the one that was taken, once it was verified. */
  readonly discardOlder: boolean;
  /** Continues after this job. */
  readonly after?: string | undefined;
  /** Jobs that are claimed. */
  readonly limit: number;
}

export interface RecoveredJob {
  readonly job: Job;
  readonly graph: Payload;
  readonly checkpoint: Checkpoint | undefined;
}

export interface Damage {
  readonly jobId: string;
  readonly reason: string;
  /** The older checkpoint that was taken instead. */
  readonly fellBackTo?: number | undefined;
}

export interface RecoveredPage {
  readonly jobs: RecoveredJob[];
  readonly damaged: Damage[];
  readonly last?: string | undefined;
}

const width = 32;
/**
 * Reads of the registry for one page. A full page of 100 jobs so takes at most 1.1 requests a job. 8 reads of at most 1
 * MiB, some tens of ms each, leave the function's 29 s to the claims, and take less than the 3,000 read units that a
 * partition has in a second.
 */
const readsPerPage = 8;
/** Jobs that one read looks at: beyond it DynamoDB ends a read by its size. */
const jobsPerRead = 1_000;

/**
 * Claims one page of the active jobs, in order of their ids. Jobs that finish meanwhile are left out. Can be repeated.
 * Throws `leadership_lost` when the fence is not that of the running term, `fenced` when a newer term has touched a job
 * of the page.
 */
export async function recover(
  room: Recovery,
  group: string,
  fence: Fence,
  options: RecoveryOptions,
): Promise<RecoveredPage> {
  await requireTerm(room, group, fence);
  const page = await listUnfinished(room, group, options);
  const found = await mapConcurrent(page.items, width, (jobId) =>
    recoverJob(room, { group, jobId }, fence.fencingVersion, options),
  );
  return {
    jobs: found.flatMap(({ recovered }) => recovered ?? []),
    damaged: found.flatMap(({ damage }) => damage ?? []),
    last: page.last,
  };
}

/**
 * Looks on where finished jobs have left the page short, at as many jobs as are likely to fill it: what a read finds
 * beyond the page is read again with the next one.
 */
async function listUnfinished(
  { checkpoints }: Recovery,
  group: string,
  { after, limit }: RecoveryOptions,
): Promise<Page<string>> {
  const items: string[] = [];
  let read = 0;
  let last = after;
  for (let reads = 0; reads < readsPerPage; reads += 1) {
    const likely = Math.ceil(((limit - items.length) * (read + 1)) / (items.length + 1));
    const page = await checkpoints.listUnfinished(group, last, Math.min(likely, jobsPerRead));
    items.push(...page.items);
    read += page.read;
    if (items.length > limit)
      return { items: items.slice(0, limit), last: jobKey(group, items[limit - 1] as string).sk };
    last = page.last;
    if (last === undefined || items.length === limit) break;
  }
  return { items, last };
}

interface Found {
  readonly recovered?: RecoveredJob;
  readonly damage?: Damage;
}

async function recoverJob(room: Recovery, name: JobName, version: number, options: RecoveryOptions): Promise<Found> {
  const { won, lost } = await room.checkpoints.claim(name, version);
  const record: JobRecord | undefined = won ?? lost;
  if (record && isDamaged(record)) return damaged(name, record.damage);
  if (!won || isDamaged(won)) {
    const refused = refusal(name, record, version);
    if (refused?.kind === fenced) throw refused;
    return {};
  }
  const found = await verify(room, won, options.onDamaged);
  const { recovered } = found;
  if (options.discardOlder && recovered?.checkpoint) {
    await discardOlder(room, won, version, recovered.checkpoint.checkpointId);
  }
  return found;
}

async function verify(room: Recovery, job: Job, onDamaged: 'fail' | 'fallback'): Promise<Found> {
  const [newest, ...older] = job.checkpoints;
  const [graphDamage, newestDamage] = await Promise.all([
    payloadDamage(room, job, job.graph),
    newest ? checkpointDamage(room, job, newest) : undefined,
  ]);
  const { graph } = job;
  if (!graph || graphDamage) return damaged(job, `graph: ${graphDamage}`);
  if (!newest || isMalformed(newest) || newestDamage !== undefined) {
    if (!newest) return { recovered: { job, graph, checkpoint: undefined } };
    const reason = `checkpoint ${newest.checkpointId}: ${newestDamage}`;
    const taken = onDamaged === 'fallback' ? await firstIntact(room, job, older) : undefined;
    if (!taken) return damaged(job, reason);
    return {
      recovered: { job, graph, checkpoint: taken },
      ...damaged(job, reason, taken.checkpointId),
    };
  }
  return { recovered: { job, graph, checkpoint: newest } };
}

function damaged({ group, jobId }: JobName, reason: string, fellBackTo?: number): Found {
  logger.error('A job is damaged', { group, jobId, reason, fellBackTo });
  return { damage: { jobId, reason, ...(fellBackTo === undefined ? {} : { fellBackTo }) } };
}

async function firstIntact(room: Recovery, job: Job, refs: readonly CheckpointRef[]): Promise<Checkpoint | undefined> {
  for (const ref of refs) {
    if (!isMalformed(ref) && (await checkpointDamage(room, job, ref)) === undefined) return ref;
  }
  return undefined;
}

async function checkpointDamage(room: Recovery, job: Job, ref: CheckpointRef): Promise<string | undefined> {
  return payloadDamage(room, job, isMalformed(ref) ? undefined : ref);
}

async function payloadDamage({ payloads }: Recovery, { group, jobId }: Job, payload: Payload | undefined) {
  if (!payload) return 'its reference is malformed';
  return damageOf(payload, await payloads.stat(payloadKey(group, jobId, payload.payloadId)));
}

/** Best effort: whatever was committed meanwhile has its own retention. */
async function discardOlder(room: Recovery, job: Job, version: number, checkpointId: number): Promise<void> {
  const others = job.checkpoints.filter((ref) => ref.checkpointId !== checkpointId);
  if (others.length === 0) return;
  const { before } = await room.checkpoints.keepOnly(job, version, checkpointId);
  if (!before || isDamaged(before)) return;
  const dropped = before.checkpoints.filter((ref) => ref.checkpointId !== checkpointId);
  await drop(
    room,
    before,
    dropped.flatMap(({ payloadId }) => payloadId ?? []),
  );
}
