/**
 * The state lock on jobs: holds back writes to records that change while a backup reads them all. Design:
 * docs/design/backups.md, "The cut".
 *
 * A lock only makes it likely that two readings agree, and a backup counts on nothing else. So a request that meets one
 * that its cut must have forgotten may remove it.
 */
import { absent } from '../../store/condition.ts';
import type { JobName } from './job.ts';

/**
 * Part of the condition of every write to a job, and of a submission's on the leadership: it costs nothing while nobody
 * locks.
 */
export const notStateLocked = absent('stateLock');

export interface StateLock {
  readonly lockId: string;
  /** When it was set, epoch ms. */
  readonly at: number;
  /** For how long it counts, ms: after that its cut has forgotten it. */
  readonly forMs: number;
}

/**
 * The port; every method is one request. A lock that is there already gives way: only one backup of a group is in
 * progress.
 */
export interface StateLocks {
  /** Nothing happens when there is no such job. */
  lockJob(name: JobName, lock: StateLock): Promise<void>;
  /** No-op when another lock exists, or none. */
  unlockJob(name: JobName, lockId: string): Promise<void>;
  /** Holds back the submission of new jobs. Nothing happens when nobody has led the group. */
  lockSubmissions(group: string, lock: StateLock): Promise<void>;
  unlockSubmissions(group: string, lockId: string): Promise<void>;
}
