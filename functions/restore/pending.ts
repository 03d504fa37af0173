/** Entries of a file that were read and not yet restored, as a reducer. */
import { Buffer } from 'node:buffer';
import type { ArchiveEntry } from '../../api/archive.ts';
import type { Restored } from '../../log/protocol/seed.ts';
import type { ArchivedJob } from './jobs.ts';

export interface Pending {
  /** With their checkpoints so far. */
  readonly jobs: readonly ArchivedJob[];
  /** Of the open log, in order. */
  readonly entries: readonly Restored[];
}

export const nothingPending: Pending = { jobs: [], entries: [] };

/** Entries restored together before they are noted. */
const entriesAtOnce = 1_000;
const jobsAtOnce = 64;

/** Whether what is pending is put before this entry. A job is put with all checkpoints that follow it. */
export function isFull({ jobs, entries }: Pending, entry: ArchiveEntry): boolean {
  return entries.length >= entriesAtOnce || (jobs.length >= jobsAtOnce && entry.type !== 'checkpoint');
}

/** An entry stands where the verification has allowed none: what was verified is not what is restored. */
export class MisplacedEntryError extends Error {
  override readonly name = 'MisplacedEntryError';
}

/** Takes an entry up. Throws `MisplacedEntryError` for a checkpoint without its job: nothing is dropped silently. */
export function takeUp(pending: Pending, entry: Exclude<ArchiveEntry, { type: 'log' }>): Pending {
  switch (entry.type) {
    case 'job':
      return { ...pending, jobs: [...pending.jobs, { job: entry, checkpoints: [] }] };
    case 'checkpoint': {
      const last = pending.jobs.at(-1);
      if (last?.job.jobId !== entry.jobId) {
        throw new MisplacedEntryError(`Checkpoint ${entry.checkpointId} of job "${entry.jobId}" has no job before it`);
      }
      const whole = { ...last, checkpoints: [...last.checkpoints, entry] };
      return { ...pending, jobs: [...pending.jobs.slice(0, -1), whole] };
    }
    case 'log-entry': {
      const restored = { position: entry.position, data: Buffer.from(entry.data, 'base64') };
      return { ...pending, entries: [...pending.entries, restored] };
    }
    case 'leadership':
    case 'damaged-job':
    case 'application':
      return pending;
  }
}
