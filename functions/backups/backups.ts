/**
 * The dependencies of the backup protocol.
 *
 * Not guaranteed: that a worker which lost its attempt stops at once. It continues until its next verdict; what it
 * cannot do is change the backup, from the moment the attempt was passed over.
 */
import type { Clock } from '../../store/clock.ts';
import type { Workflow } from './attempt/workflow.ts';
import type { BackupStore } from './backup-store.ts';
import type { GroupDirectory } from './group-directory.ts';
import type { Archives, Cutter } from './ports.ts';
import type { WorkerStore } from './worker/worker-store.ts';

export interface BackupSettings {
  /** A suspended worker resumes by itself after this, ms. */
  readonly suspendTimeoutMs: number;
  /** How long a worker may take to answer a command, ms. */
  readonly answerTimeoutMs: number;
  /** An attempt without a heartbeat for this long is lost, ms. */
  readonly abandonTimeoutMs: number;
  /** How long an attempt may run in all, ms. */
  readonly attemptTimeoutMs: number;
  /** How often an idle worker asks for commands on average, ms. */
  readonly idlePollMs: number;
  /** Whether a poll of a worker that a backup has asked waits for commands, and holds an instance meanwhile. */
  readonly holdsPolls: boolean;
  /** Workers that a group may have at a time. */
  readonly mostWorkers: number;
  /** Backups that a group may keep. */
  readonly mostBackups: number;
  /** How often the cut of an attempt is tried before the backup fails; a worker is suspended anew for each. */
  readonly cutTries: number;
  /** Between two tries of the cut, ms. */
  readonly cutPauseMs: number;
  /** Passes over all jobs before a busy group is held back, and passes in all, of one try. */
  readonly cutFreePasses: number;
  readonly cutPasses: number;
  /** Below these, `s3://bucket/prefix/`, a request may have its backup written; none by default. */
  readonly backupTargets?: readonly string[];
  /** Off: the built-in worker takes every backup. On by default. */
  readonly delegation?: 'on' | 'off';
}

export interface Backups {
  readonly store: BackupStore;
  readonly workers: WorkerStore;
  readonly clock: Clock;
  readonly settings: BackupSettings;
}

export type WithWorkflow = Backups & { readonly workflow: Workflow };
export type WithCutter = Backups & { readonly cutter: Cutter };
export type WithGroups = { readonly groups: GroupDirectory };
/** Archives lie in this bucket. */
export type WithBucket = Backups & { readonly bucket: string };
export type WithArchives = Backups & { readonly archives: Archives };
