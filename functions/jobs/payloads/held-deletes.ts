/**
 * While a backup of a group is in progress nothing is deleted that it may still have to copy: deletes wait in a list,
 * and the orphan collector leaves the group alone.
 *
 * A backup first holds the group, then records each job by `holdJob`: from that write on, a request that drops one of
 * the job's payloads sees the hold in what his own write hands back, so that a commit needs no read to know it. A job
 * is marked by at most one backup. A request that marks looks at the group's hold afterwards, and one that ends the
 * hold looks for marks afterwards: a mark that comes too late is taken back by one of the two.
 */

import { mapConcurrent } from '../../../archive/map-concurrent.ts';
import { retryConflicts } from '../../../store/retry-conflicts.ts';
import { isDamaged, type JobName, type JobRecord } from '../job.ts';
import type { PayloadStore } from './payload-store.ts';
import { payloadKey } from './upload.ts';

export interface DeferredDelete {
  readonly jobId: string;
  readonly payloadId: string;
}

/** The port; every method is one request, `defer` and `markDone` one for each payload. */
export interface HeldDeletes {
  /** False while another backup holds the group. */
  hold(group: string, backupId: string): Promise<boolean>;
  /** The backup that holds the deletes of the group. */
  heldBy(group: string): Promise<string | undefined>;
  /**
   * Marks the job and answers its record as at that instant; undefined when there is none. A mark of another backup
   * stays.
   */
  holdJob(name: JobName, backupId: string): Promise<JobRecord | undefined>;
  /** The deletes wait for this backup and for no other. */
  defer(group: string, backupId: string, deletes: readonly DeferredDelete[], now: number): Promise<void>;
  listHeldJobs(group: string, backupId: string, after: string | undefined): Promise<HeldPage<string>>;
  /** Takes away the mark, and a state lock with it. */
  releaseJob(name: JobName, backupId: string): Promise<void>;
  /** Deletions that wait for this backup. */
  listDeferred(group: string, backupId: string, after: string | undefined): Promise<HeldPage<DeferredDelete>>;
  markDone(group: string, backupId: string, deletes: readonly DeferredDelete[], now: number): Promise<void>;
  /** Ends the hold; nothing happens when another backup has it. */
  release(group: string, backupId: string): Promise<void>;
}

export interface HeldPage<Item> {
  readonly items: Item[];
  readonly last?: string | undefined;
}

interface Room {
  readonly held: HeldDeletes;
  readonly payloads: PayloadStore;
  readonly clock: { now(): number };
}

/** Whether payloads of the group must stay although nothing refers to them. */
export async function deletesHeld({ held }: Pick<Room, 'held'>, group: string): Promise<boolean> {
  return (await held.heldBy(group)) !== undefined;
}

/**
 * Ends the hold of a backup and carries out what has waited for it; what waits for another stays. Can be repeated after
 * a crash. A deletion deferred by a commit that saw the hold just before is left to the orphan collector.
 */
export async function releaseDeletes({ held, payloads, clock }: Room, group: string, backupId: string): Promise<void> {
  await held.release(group, backupId);
  await forEachPage(
    (after) => held.listHeldJobs(group, backupId, after),
    async (jobs) => {
      await mapConcurrent(jobs, 16, (jobId) => held.releaseJob({ group, jobId }, backupId));
    },
  );
  await forEachPage(
    (after) => held.listDeferred(group, backupId, after),
    async (deletes) => {
      const left = new Set(
        await payloads.discard(deletes.map(({ jobId, payloadId }) => payloadKey(group, jobId, payloadId))),
      );
      const done = deletes.filter(({ jobId, payloadId }) => !left.has(payloadKey(group, jobId, payloadId)));
      await held.markDone(group, backupId, done, clock.now());
    },
  );
}

/**
 * Marks jobs for the backup and answers each as at the instant of its mark; one that is not there is left out.
 * Undefined when the backup does not hold the group, or no longer: then none of them stays marked for it.
 */
export async function recordJobs(
  { held }: Pick<Room, 'held'>,
  group: string,
  jobIds: readonly string[],
  backupId: string,
): Promise<JobRecord[] | undefined> {
  const [marked] = await Promise.allSettled([
    mapConcurrent(jobIds, 16, (jobId) => mark(held, { group, jobId }, backupId)),
  ]);
  if ((await held.heldBy(group)) !== backupId) {
    await mapConcurrent(jobIds, 16, (jobId) => held.releaseJob({ group, jobId }, backupId));
    return undefined;
  }
  if (marked.status === 'rejected') throw marked.reason;
  return marked.value.flatMap((job) => job ?? []);
}

/** Each takes away a mark that another backup left behind. */
const markTries = 10;

/** The backup that holds the group takes over the mark of any other: that one has ended. */
async function mark(held: HeldDeletes, name: JobName, backupId: string): Promise<JobRecord | undefined> {
  return retryConflicts<JobRecord | undefined>({ tries: markTries, of: `job "${name.jobId}"` }, async () => {
    const job = await held.holdJob(name, backupId);
    if (!job || isDamaged(job) || job.heldBy === backupId) return { kind: 'done', value: job };
    const holder = await held.heldBy(name.group);
    if (job.heldBy === undefined || holder !== backupId) {
      throw new Error(
        `Job "${name.jobId}" cannot be held for ${backupId}: ${job.heldBy} holds it, ${holder} the group`,
      );
    }
    await held.releaseJob(name, job.heldBy);
    return { kind: 'conflict' };
  });
}

async function forEachPage<Item>(
  list: (after: string | undefined) => Promise<HeldPage<Item>>,
  act: (items: Item[]) => Promise<void>,
): Promise<void> {
  let after: string | undefined;
  do {
    const page = await list(after);
    if (page.items.length > 0) await act(page.items);
    after = page.last;
  } while (after !== undefined);
}

/** Deletes payloads that nothing refers to any more, at once or, while a backup holds the job, when that has ended. */
export async function drop(room: Room, job: JobRecord, payloadIds: readonly string[]): Promise<void> {
  const { group, jobId } = job;
  if (payloadIds.length === 0) return;
  if ('heldBy' in job && job.heldBy !== undefined) {
    const deletes = payloadIds.map((payloadId) => ({ jobId, payloadId }));
    await room.held.defer(group, job.heldBy, deletes, room.clock.now());
  } else {
    await room.payloads.discard(payloadIds.map((payloadId) => payloadKey(group, jobId, payloadId)));
  }
}
