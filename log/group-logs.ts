import type { LogParts } from './protocol/log.ts';
import type { Hold } from './protocol/sequencer.ts';

/** The port to the logs of a group, as backups see them. */
export interface GroupLogs {
  list(group: string): Promise<string[]>;
  /** By the log's configuration. */
  open(group: string, log: string): Promise<LogParts>;
  /**
   * From then on no truncation passes `from`, until it is released. Returns the hold that stands then: another backup's
   * stays.
   */
  hold(group: string, log: string, hold: Hold): Promise<Hold>;
  /** Where this backup's hold stands. */
  heldFrom(group: string, log: string, backupId: string): Promise<number | undefined>;
  /** Nothing happens when another backup holds the log. */
  release(group: string, log: string, backupId: string): Promise<void>;
  /** Makes the log known, without initialising its replicas; nothing happens when it is. */
  create(group: string, log: string): Promise<void>;
  /** Makes the log unknown. Its replicas must be empty. */
  forget(group: string, log: string): Promise<void>;
}
