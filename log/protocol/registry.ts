import type { Configuration } from './configuration.ts';
import type { Hold } from './sequencer.ts';

/** A log as it was created. */
export interface RegisteredLog {
  readonly group: string;
  readonly log: string;
  /** Whether its replicas found the log by themselves, once all of them are there and empty. */
  readonly autoInitialize: boolean;
  /** Epoch ms. */
  readonly createdAt: number;
  readonly configuration: Configuration;
}

/** The port to the logs that were created, and to what keeps them from being truncated. */
export interface LogRegistry {
  /** Strongly consistent. */
  read(group: string, log: string): Promise<RegisteredLog | undefined>;
  /** Returns the log as it is; `created` is false when it was there before. */
  create(log: RegisteredLog): Promise<{ created: boolean; log: RegisteredLog }>;
  /**
   * Changes the configuration if it is still `from`. A change of the version closes the writer in the same write, so
   * that a writer that appends next is elected by the new majorities. False when another change came first.
   */
  configure(group: string, log: string, from: Configuration, to: Configuration): Promise<boolean>;
  /** Makes the log unknown, with its sequencer and hold; its record goes at its time to live. */
  forget(group: string, log: string, now: number): Promise<void>;
  /** The logs of a group in order of their names, after the given one. */
  list(group: string, after: string | undefined, limit: number): Promise<{ items: RegisteredLog[]; last?: string }>;
  /** The logs of all groups, eventually consistent, page by page. */
  listAll(): AsyncGenerator<{ group: string; log: string }>;
  /**
   * From then on no truncation passes `from`, until it is released. Returns the hold that stands then: another backup's
   * stays.
   */
  hold(group: string, log: string, hold: Hold): Promise<Hold>;
  readHold(group: string, log: string): Promise<Hold | undefined>;
  /** Nothing happens when another backup holds the log. */
  release(group: string, log: string, backupId: string): Promise<void>;
}
