/**
 * One replicated log: what its parts are and how long they wait. The room's protocol: other rooms import from here.
 *
 * Not guaranteed: that an append whose outcome is unknown did not happen (ask again with the same request), and that a
 * log survives the loss of a quorum of its replicas at one time.
 */
import type { Chance, Majorities, Timer } from './quorum.ts';
import type { Replica } from './replica.ts';
import type { Sequencer } from './sequencer.ts';

export interface LogSettings {
  /** How long one round waits for a quorum. */
  readonly answerMs: number;
  /**
   * How long an election waits for the last replicas once there is a quorum: those left out get no writes of this
   * writer.
   */
  readonly electionGraceMs: number;
  /** How long a reader waits for the last replicas once there is a quorum. */
  readonly graceMs: number;
  /** How long one position is tried to be filled. */
  readonly fillMs: number;
  /** After a rejected ballot: a random pause between this and twice this. */
  readonly pauseMs: number;
  /** How often an election is tried against rivals of the same version. */
  readonly tries: number;
  /** A position handed out so long ago and not settled is taken for abandoned. */
  readonly stuckMs: number;
  /** After this anyone may remove a state lock. */
  readonly lockMs: number;
}

export const defaultSettings: LogSettings = {
  answerMs: 3_000,
  electionGraceMs: 1_000,
  graceMs: 200,
  fillMs: 10_000,
  pauseMs: 100,
  tries: 5,
  stuckMs: 2_000,
  lockMs: 5_000,
};

export interface LogParts {
  /** The members, and while they change those that are to be members. */
  readonly replicas: readonly Replica[];
  /** A quorum is a majority of each of these sets. */
  readonly majorities: Majorities;
  /** The version of the configuration that these replicas and majorities are from. */
  readonly configuration: number;
  readonly sequencer: Sequencer;
  readonly timer: Timer;
  readonly chance: Chance;
  readonly settings: LogSettings;
}
