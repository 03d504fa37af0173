/** Answers of the API, as types only: the page trusts the API of its own version and carries no schemas. */
import type * as z from 'zod/mini';
import type { backupPolicy, backupStatus, createBackup } from '../api/operations/backups.ts';
import type { listedJob } from '../api/operations/jobs.ts';
import type { journal } from '../api/operations/journal.ts';
import type { groups, handOver, observe, revoke, terms } from '../api/operations/leadership.ts';
import type { shownLog } from '../api/operations/log.ts';
import type { listWorkers } from '../api/operations/workers.ts';

export type Group = z.output<typeof groups.answer>['items'][number];
export type Leadership = z.output<typeof observe.answer>;
export type Term = z.output<typeof terms.answer>['items'][number];
export type Job = z.output<typeof listedJob>;
export type Log = z.output<typeof shownLog>;
export type Backup = z.output<typeof backupStatus>;
export type BackupPolicy = z.output<typeof backupPolicy>;
export type BackupPlan = Extract<z.output<typeof createBackup.answer>, { explain: true }>;
export type Worker = z.output<typeof listWorkers.answer>['items'][number];
export type Journal = z.output<typeof journal.answer>;
export type HandOver = z.output<typeof handOver.answer>;
export type Revocation = z.output<typeof revoke.answer>;

export interface Page<Item> {
  readonly items: readonly Item[];
  readonly nextCursor?: string | undefined;
}
