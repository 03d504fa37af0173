import { setTimeout as pause } from 'node:timers/promises';
import type { Clock } from '../../store/clock.ts';

/** Time as the coordinators see it; the simulation moves it. */
export interface Timer extends Clock {
  /** Lambda ends an invocation in which nothing is left to wait for: this is waited for. */
  sleep(ms: number): Promise<void>;
  /** The same for requests in flight; it keeps no process alive. */
  limit(ms: number): Promise<void>;
}

export const systemTimer: Timer = {
  now: () => Date.now(),
  sleep: (ms) => pause(ms),
  limit: (ms) => pause(ms, undefined, { ref: false }),
};

/** Chance, injected so that a simulated run can be repeated. */
export interface Chance {
  /** Between 0 and 1. */
  number(): number;
  id(): string;
}

/** No answer came from a replica: the request may or may not have taken effect. */
export class UnreachableError extends Error {
  override readonly name: string = 'UnreachableError';
}

/** The store put the request off, and every try of it: it had no effect. */
export class ThrottledError extends UnreachableError {
  override readonly name = 'ThrottledError';
}

/** A replica or the sequencer follows a newer configuration of the log: read it and start again. */
export class StaleConfigurationError extends Error {
  override readonly name = 'StaleConfigurationError';

  constructor(readonly version: number) {
    super(`A replica follows version ${version} of the log's configuration`);
  }
}

/** One answer per replica, at the replica's place; undefined where none came. */
export type Answers<Answer> = (Answer | undefined)[];

export interface Patience<Answer> {
  /** Whether what came so far decides; the requests at the `open` places are still on their way. */
  readonly enough: (answers: Answers<Answer>, open: ReadonlySet<number>) => boolean;
  /** Waits so much longer for the others once there is enough. */
  readonly graceMs?: number;
  /** Waits no longer in all. */
  readonly ms: number;
  readonly timer: Timer;
}

/**
 * Asks all replicas at once. An `UnreachableError` one is a missing answer; any other error is thrown.
 * A question may answer undefined to leave its replica out.
 */
export function ask<Answer>(
  questions: readonly (() => Promise<Answer> | undefined)[],
  { enough, graceMs = 0, ms, timer }: Patience<Answer>,
): Promise<Answers<Answer>> {
  return new Promise((resolve, reject) => {
    const answers: Answers<Answer> = questions.map(() => undefined);
    const end = () => resolve([...answers]);
    const asked = questions.map((question) => question());
    const open = new Set(asked.flatMap((pending, at) => (pending === undefined ? [] : [at])));
    const settle = (at: number) => {
      open.delete(at);
      if (open.size === 0) end();
      else if (enough(answers, open)) timer.limit(graceMs).then(end, reject);
    };
    asked.forEach((pending, at) => {
      pending?.then(
        (answer) => {
          answers[at] = answer;
          settle(at);
        },
        (error: unknown) => (error instanceof UnreachableError ? settle(at) : reject(error)),
      );
    });
    if (open.size === 0) end();
    timer.limit(ms).then(end, reject);
  });
}

export function count<Answer>(answers: Answers<Answer>, matches: (answer: Answer) => boolean): number {
  return answers.filter((answer) => answer !== undefined && matches(answer)).length;
}

/**
 * The sets of replicas, by their places, of each of which a decision needs a majority: two while the members change.
 */
export type Majorities = readonly (readonly number[])[];

/** Whether the answers that match come from a majority of every set. */
export function isQuorum<Answer>(
  { majorities }: { readonly majorities: Majorities },
  answers: Answers<Answer>,
  matches: (answer: Answer) => boolean,
): boolean {
  const matching = new Set(answers.flatMap((answer, at) => (answer !== undefined && matches(answer) ? [at] : [])));
  return isMajority(majorities, matching);
}

/** Whether these places hold a majority of every set. */
export function isMajority(majorities: Majorities, places: ReadonlySet<number>): boolean {
  return majorities.every((set) => 2 * set.filter((at) => places.has(at)).length > set.length);
}

export interface Tally {
  /** Whether a majority of every set matches. */
  readonly met: boolean;
  /** Of the set that lacks most: how many match, and how many must. */
  readonly voting: number;
  readonly quorum: number;
}

/** Counts the answers that match, in the set of replicas that lacks most. */
export function tally<Answer>(
  { majorities }: { readonly majorities: Majorities },
  answers: Answers<Answer>,
  matches: (answer: Answer) => boolean,
): Tally {
  const sets = majorities.map((set) => {
    const voting = set.filter((at) => answers[at] !== undefined && matches(answers[at])).length;
    return { voting, quorum: quorumOf(set) };
  });
  const least = sets.reduce((one, other) => (other.voting - other.quorum < one.voting - one.quorum ? other : one));
  return { ...least, met: least.voting >= least.quorum };
}

export function quorumOf(replicas: readonly unknown[]): number {
  return Math.floor(replicas.length / 2) + 1;
}
