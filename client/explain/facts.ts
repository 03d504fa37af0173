/** The material of an explanation: answers of the API, read at about the same time. */
import type * as z from 'zod/mini';
import type { backupStatus } from '../../api/operations/backups.ts';
import type { listedJob } from '../../api/operations/jobs.ts';
import type { journal } from '../../api/operations/journal.ts';
import type { observe, terms } from '../../api/operations/leadership.ts';
import type { shownLog } from '../../api/operations/log.ts';
import type { restoreStatus } from '../../api/operations/restore.ts';

export type Leadership = z.output<typeof observe.answer>;
export type Term = z.output<typeof terms.answer>['items'][number];
export type Job = z.output<typeof listedJob>;
export type Log = z.output<typeof shownLog>;
export type Backup = z.output<typeof backupStatus>;
export type Restore = z.output<typeof restoreStatus>;
export type Journal = z.output<typeof journal.answer>;
export type JournalMinute = Journal['items'][number];

/** As it was published; see docs/events.md. */
export interface PublishedEvent {
  readonly type: string;
  readonly at: string;
}

/** Part of the service that could not be asked. */
export interface Unanswered {
  /** The question, as in `terms`. */
  readonly asked: string;
  readonly code: string;
  readonly message: string;
}

export interface Facts {
  readonly group: string;
  /** Epoch ms, by the clock of the service as far as it is known. */
  readonly now: number;
  /** Begin of the period, epoch ms. */
  readonly since: number;
  readonly leadership?: Leadership | undefined;
  /** Newest first: all that ran in the period, and one before it if there is one. */
  readonly terms: readonly Term[];
  readonly jobs: readonly Job[];
  readonly logs: readonly Log[];
  readonly backups: readonly Backup[];
  /** Undefined where it could not be read. */
  readonly journal?: Journal | undefined;
  /** Those that the journal names. */
  readonly restores?: readonly Restore[] | undefined;
  /** Where they can be read. */
  readonly events?: readonly PublishedEvent[] | undefined;
  readonly unanswered: readonly Unanswered[];
}
