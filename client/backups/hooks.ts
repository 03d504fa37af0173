/** The last position of each log. */
export type Positions = Readonly<Record<string, number>>;

/** The backup that a `snapshot` is for. */
export interface SnapshotRequest {
  readonly backupId: string;
  /** Counts the workers that were asked for this backup, from 1. */
  readonly attempt: number;
  /** Where the snapshot must stand, exactly: the last position of each log that is part of it. */
  readonly cut: Positions;
  /** Fires when the attempt no longer counts. */
  readonly signal: AbortSignal;
}

type State = AsyncIterable<unknown> | Iterable<unknown> | undefined;

/**
 * How the application around a worker takes part in a backup. Every hook is optional: without them a backup holds what
 * Tenure knows of the group.
 *
 * @example
 * ```ts
 * import type { BackupHooks } from 'tenure';
 *
 * const counts = new Map<string, number>();
 * let applied = 0;
 * let paused = false;
 * const hooks: BackupHooks = {
 *   suspend() {
 *     paused = true;
 *     return { events: applied };
 *   },
 *   snapshot: () => counts.entries(),
 *   resume() {
 *     paused = false;
 *   },
 * };
 * ```
 */
export interface BackupHooks {
  /**
   * Stops applying log entries and returns how far they are applied, per log; a log that is not named is not applied at
   * all.
   *
   * @throws any error to refuse the backup, with its message as the reason
   */
  readonly suspend?: () => Positions | undefined | Promise<Positions | undefined>;
  /** Continues. Comes after every `suspend`, whatever became of the backup. */
  readonly resume?: () => void | Promise<void>;
  /**
   * Applies the entries up to the cut, then returns the application's state: JSON values of almost 2 MiB each, or bytes
   * as Uint8Array. They become entries of the archive and come back from `Backups.readApplication` in the same order.
   * The attempt counts as TRANSITIONING until this has resolved.
   *
   * @throws any error to fail the attempt; its `code`, or else its name, becomes the backup's error code, as in
   *   `worker_enospc`
   */
  readonly snapshot?: (request: SnapshotRequest) => State | Promise<State>;
  /** Receives what the worker does, for logs. */
  readonly onEvent?: (event: WorkerEvent) => void;
  /**
   * Receives errors of the service and of the hooks; the worker continues.
   *
   * @defaultValue a warning of the process
   */
  readonly onError?: (error: unknown) => void;
}

/** A worker's activity. */
export type WorkerEvent =
  /** `replaced`: another process has registered under this worker's name, and this one has stopped. */
  | { readonly type: 'registered' | 'resumed' | 'left' | 'replaced' }
  /** A backup that was deleted, failed or given to another worker has left this worker's disk. */
  | { readonly type: 'removed'; readonly backupId: string }
  | { readonly type: 'suspended' | 'accepted'; readonly backupId: string; readonly attempt: number }
  | { readonly type: 'refused'; readonly backupId: string; readonly attempt: number; readonly reason: string }
  | { readonly type: 'finished'; readonly backupId: string; readonly attempt: number; readonly uri: string }
  /** `why`: `cancelled`, `superseded`, `closed`, `replaced`, or an error's code and message. */
  | { readonly type: 'ended'; readonly backupId: string; readonly attempt: number; readonly why: string };
