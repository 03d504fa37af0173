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
 * A group too busy for that is held back: a *state lock* on each record that changed and on submissions, then on every
 * active job. The lock only makes the next two passes likely to agree. What counts is that they agree, so a lock that
 * is late, lost or removed costs another pass and nothing else.
 */
import { mapConcurrent } from '../../../archive/map-concurrent.ts';
import type { Clock } from '../../../store/clock.ts';
import { isDamaged, type JobRecord } from '../../jobs/job.ts';
import type { JobStore } from '../../jobs/job-store.ts';
import { type HeldDeletes, recordJobs } from '../../jobs/payloads/held-deletes.ts';
import type { StateLocks } from '../../jobs/state-locks.ts';
import { jobEntries } from './job-entries.ts';

export interface JobPasses {
  readonly jobs: Pick<JobStore, 'list'>;
  readonly held: HeldDeletes;
  readonly locks: StateLocks;
  readonly clock: Clock;
  /** Passes before writers are held back; a group that is mostly quiet agrees with itself at once. */
  readonly freePasses?: number;
  readonly mostPasses?: number;
}

export interface PassRequest {
  readonly group: string;
  readonly backupId: string;
  /** Names this try: a state lock carries it. */
  readonly lockId: string;
  /** Epoch ms; no pass begins after it. */
  readonly until: number;
}

/** The lines of each job in the archive, in order of the job ids. */
export type JobLines = ReadonlyMap<string, string>;

export type JobsAtCut =
  | { readonly kind: 'agreed'; readonly lines: JobLines; readonly passes: number; readonly heldBack: number }
  /** Two passes in a row never agreed; these jobs changed last. */
  | { readonly kind: 'busy'; readonly changed: readonly string[] }
  /** The backup no longer holds the group: it has ended. */
  | { readonly kind: 'ended' };

const pageSize = 1_000;
const writesAtOnce = 32;

interface Pass {
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
 * To be called while every log of the group is locked, so that what the jobs say of the logs is part of the same
 * instant.
 */
export async function collectJobs(parts: JobPasses, request: PassRequest): Promise<JobsAtCut> {
  const { group, backupId, lockId, until } = request;
  const { freePasses = 3, mostPasses = 12 } = parts;
  const heldBack: HeldBack = { jobs: new Set(), submissions: false };
  try {
    let before = await passOver(parts, group, backupId);
    let changed: string[] = [];
    for (let passes = 2; passes <= mostPasses && parts.clock.now() < until; passes += 1) {
      if (!(await mark(parts, group, backupId, before.unmarked))) return { kind: 'ended' };
      if (passes > freePasses) {
        // A program that goes from job to job changes others each time: then all of them are held back.
        const wanted = passes === freePasses + 1 ? changed : [...changed, ...before.active];
        await holdBack(parts, request, wanted, heldBack);
      }
      const after = await passOver(parts, group, backupId);
      changed = differences(before, after);
      const marked = before.unmarked.length + after.unmarked.length === 0;
      if (changed.length === 0 && marked) {
        return { kind: 'agreed', lines: after.lines, passes, heldBack: heldBack.jobs.size };
      }
      before = after;
    }
    return { kind: 'busy', changed };
  } finally {
    await letGo(parts, group, lockId, heldBack);
  }
}

async function passOver({ jobs }: Pick<JobPasses, 'jobs'>, group: string, backupId: string): Promise<Pass> {
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

interface HeldBack {
  readonly jobs: Set<string>;
  submissions: boolean;
}

async function holdBack(
  { locks, clock }: JobPasses,
  { group, lockId }: PassRequest,
  jobIds: readonly string[],
  heldBack: HeldBack,
): Promise<void> {
  const lock = { lockId, at: clock.now() };
  if (!heldBack.submissions) {
    heldBack.submissions = true;
    await locks.lockSubmissions(group, lock);
  }
  const open = new Set(jobIds.filter((jobId) => !heldBack.jobs.has(jobId)));
  await mapConcurrent([...open], writesAtOnce, async (jobId) => {
    heldBack.jobs.add(jobId);
    await locks.lockJob({ group, jobId }, lock);
  });
}

async function letGo({ locks }: JobPasses, group: string, lockId: string, heldBack: HeldBack): Promise<void> {
  if (heldBack.submissions) await locks.unlockSubmissions(group, lockId);
  await mapConcurrent([...heldBack.jobs], writesAtOnce, (jobId) => locks.unlockJob({ group, jobId }, lockId));
}
