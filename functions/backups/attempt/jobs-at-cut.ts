/**
 * The jobs of a group as all of them were at one instant, without trusting a clock.
 *
 *   pass n      reads every record, one after the other ─┐
 *                                                        ├ the instant
 *   pass n + 1  reads every record again ────────────────┘
 *
 * A record never returns to a content that it had (checkpoint ids and request marks are never used again). So a record
 * that two passes find equal did not change between its two reads, and the instant between the passes lies between the
 * two reads of each. A job that exists at that instant is in the second pass; as the passes are equal, it is in both.
 * Design: docs/design/backups.md, B2.
 *
 * A group too busy for that is held back before (`hold-back.ts`): then its records stand still, and two passes agree.
 * Only their agreement counts, so a lock that is late, lost or removed costs another pass and nothing else.
 */
import type { Clock } from '../../../store/clock.ts';
import { isDamaged, type JobRecord } from '../../jobs/job.ts';
import type { JobStore } from '../../jobs/job-store.ts';
import { type HeldDeletes, recordJobs } from '../../jobs/payloads/held-deletes.ts';
import type { HoldBack } from './hold-back.ts';
import { jobEntries } from './job-entries.ts';

export interface JobPasses {
  readonly jobs: Pick<JobStore, 'list'>;
  readonly held: HeldDeletes;
  readonly clock: Clock;
}

export interface PassRequest {
  readonly group: string;
  readonly backupId: string;
  /** Read before the logs were locked. */
  readonly before: Pass;
  /** With the one before. */
  readonly mostPasses: number;
  /** Epoch ms; no pass begins after it. */
  readonly until: number;
  /** Holds back what writes to active jobs, also to those that appear meanwhile. */
  readonly holdBack?: HoldBack | undefined;
}

/** The lines of each job in the archive, in order of the job ids. */
export type JobLines = ReadonlyMap<string, string>;

export type JobsAtCut =
  | { readonly kind: 'agreed'; readonly lines: JobLines; readonly passes: number }
  /** Two passes in a row never agreed; these jobs changed last. */
  | { readonly kind: 'busy'; readonly changed: readonly string[] }
  /** The backup no longer holds the group: it has ended. */
  | { readonly kind: 'ended' };

const pageSize = 1_000;

/** One reading of all jobs. */
export interface Pass {
  readonly lines: Map<string, string>;
  /** Jobs whose payloads nobody keeps for this backup yet. */
  readonly unmarked: readonly string[];
  /** Jobs that a leader may write to. */
  readonly active: readonly string[];
}

/**
 * Marks every job, so that from here on nobody deletes what it refers to. False when the backup does not hold the
 * group.
 */
export async function markJobs(parts: Pick<JobPasses, 'jobs' | 'held'>, group: string, backupId: string) {
  const { unmarked } = await passOver(parts, group, backupId);
  return mark(parts, group, backupId, unmarked);
}

/**
 * To be called while every log of the group is locked: then the instant, just before the last pass, is one of the logs,
 * too. The pass before it may be older.
 */
export async function collectJobs(parts: JobPasses, request: PassRequest): Promise<JobsAtCut> {
  const { group, backupId, mostPasses, until, holdBack } = request;
  let { before } = request;
  let changed: string[] = [];
  for (let passes = 2; passes === 2 || (passes <= mostPasses && parts.clock.now() < until); passes += 1) {
    if (!(await mark(parts, group, backupId, before.unmarked))) return { kind: 'ended' };
    await holdBack?.add(before.active);
    const after = await passOver(parts, group, backupId);
    changed = differences(before, after);
    const marked = before.unmarked.length + after.unmarked.length === 0;
    if (changed.length === 0 && marked) return { kind: 'agreed', lines: after.lines, passes };
    before = after;
  }
  return { kind: 'busy', changed };
}

/** Reads every job, one page after the other. */
export async function passOver({ jobs }: Pick<JobPasses, 'jobs'>, group: string, backupId: string): Promise<Pass> {
  const lines = new Map<string, string>();
  const unmarked: string[] = [];
  const active: string[] = [];
  let after: string | undefined;
  do {
    const page = await jobs.list(group, after, pageSize);
    for (const job of page.items) {
      lines.set(job.jobId, linesOf(job));
      if (isDamaged(job)) continue;
      if (job.heldBy !== backupId) unmarked.push(job.jobId);
      if (job.state === 'ACTIVE') active.push(job.jobId);
    }
    after = page.last;
  } while (after !== undefined);
  return { lines, unmarked, active };
}

const linesOf = (job: JobRecord) =>
  jobEntries(job)
    .map((entry) => `${JSON.stringify(entry)}\n`)
    .join('');

async function mark(
  { held }: Pick<JobPasses, 'held'>,
  group: string,
  backupId: string,
  jobIds: readonly string[],
): Promise<boolean> {
  return jobIds.length === 0 || (await recordJobs({ held }, group, jobIds, backupId)) !== undefined;
}

function differences(before: Pass, after: Pass): string[] {
  const all = new Set([...before.lines.keys(), ...after.lines.keys()]);
  return [...all].filter((jobId) => before.lines.get(jobId) !== after.lines.get(jobId));
}
