import type { Clock } from '../platform/clock.ts';
import type { BackupStore } from './backup-store.ts';
import type { WorkerStore } from './worker-store.ts';
import type { Workflow } from './workflow.ts';

export interface BackupSettings {
  /** A suspended worker resumes by itself after this, ms. */
  readonly suspendTimeoutMs: number;
  /** How long a worker may take to answer a command, ms. */
  readonly answerTimeoutMs: number;
  /** An attempt without a sign of life for this long is lost, ms. */
  readonly abandonTimeoutMs: number;
}

/** What the protocol of backups works with. */
export interface Backups {
  readonly store: BackupStore;
  readonly workers: WorkerStore;
  readonly workflow: Workflow;
  readonly clock: Clock;
  readonly settings: BackupSettings;
}
