/** How far the recovery of a replica has come, as its workflow last noted it: for operators and for the metrics. */

import type { RangeToLearn } from './recovery-workflow.ts';
import type { LogName } from './registered-log.ts';

export interface Progress {
  /** Epoch ms of its first round. */
  readonly startedAt: number;
  readonly updatedAt: number;
  /** Why the last round decided nothing; undefined once the replica catches up. */
  readonly reason?: string | undefined;
  readonly caughtUp?: CaughtUpSoFar | undefined;
}

export interface CaughtUpSoFar {
  readonly done: number;
  readonly of: number;
  readonly perSecond: number;
}

export interface RecoveringReplica extends LogName {
  readonly replica: string;
}

/**
 * The port to these notes, one for each replica. A lost note makes a status less exact, and nothing else.
 */
export interface RecoveryProgress {
  waits(replica: RecoveringReplica, reason: string): Promise<void>;
  begins(replica: RecoveringReplica, ranges: readonly RangeToLearn[]): Promise<void>;
  /** The next position to learn of the range that ends with `to`. */
  learns(replica: RecoveringReplica, range: Pick<RangeToLearn, 'from' | 'to'>): Promise<void>;
  /** Forgets the note; returns it. */
  ends(replica: RecoveringReplica): Promise<Progress | undefined>;
  /** By replica. */
  read(log: LogName): Promise<ReadonlyMap<string, Progress>>;
}
