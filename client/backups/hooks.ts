/** The last position of each log. */
export type Positions = Readonly<Record<string, number>>;

export interface SnapshotRequest {
  readonly backupId: string;
  /** Counts the workers that were asked for this backup, from 1. */
  readonly attempt: number;
  /** Where the snapshot must stand, exactly. */
  readonly cut: Positions;
  /** Fires when the attempt no longer counts. */
  readonly signal: AbortSignal;
}

/** What the application around a worker does. All are optional: without them a backup holds what Tenure knows of the group. */
export interface BackupHooks {
  /**
   * Stop applying log entries. Answers how far they are applied, per log; what is not named is not applied at all. An error
   * refuses the backup, with its message as the reason.
   */
  readonly suspend?: () => Positions | undefined | Promise<Positions | undefined>;
  /** Go on. Comes after every `suspend`, whatever became of the backup. */
  readonly resume?: () => void | Promise<void>;
  /**
   * Apply the entries up to the cut, then return the application's state: JSON values of almost 2 MiB each, or bytes as Uint8Array.
   * They become entries of the archive and come back from `Backups.readApplication` in the same order. The attempt counts as
   * TRANSITIONING until this has resolved.
   */
  readonly snapshot?: (
    request: SnapshotRequest,
  ) =>
    | AsyncIterable<unknown>
    | Iterable<unknown>
    | undefined
    | Promise<AsyncIterable<unknown> | Iterable<unknown> | undefined>;
  /** What the worker does, for logs. */
  readonly onEvent?: (event: WorkerEvent) => void;
  /** Errors of the service and of the hooks; the worker goes on. A process warning unless given. */
  readonly onError?: (error: unknown) => void;
}

export type WorkerEvent =
  /** `replaced`: another process has registered under this worker's name, and this one has stopped. */
  | { readonly type: 'registered' | 'resumed' | 'left' | 'replaced' }
  /** A backup that was deleted, failed or given to another worker has left this worker's disk. */
  | { readonly type: 'removed'; readonly backupId: string }
  | { readonly type: 'suspended' | 'accepted'; readonly backupId: string; readonly attempt: number }
  | { readonly type: 'refused'; readonly backupId: string; readonly attempt: number; readonly reason: string }
  | { readonly type: 'finished'; readonly backupId: string; readonly attempt: number; readonly uri: string }
  /** `cancelled`, `superseded`, or the code of an error. */
  | { readonly type: 'ended'; readonly backupId: string; readonly attempt: number; readonly why: string };
