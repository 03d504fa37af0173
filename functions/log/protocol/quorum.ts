import { setTimeout as pause } from 'node:timers/promises';
import type { Clock } from '../../platform/clock.ts';

/** Time as the coordinators see it; the simulation moves it. */
export interface Timer extends Clock {
  /** Lambda ends an invocation in which nothing is left to wait for: this is waited for. */
  sleep(ms: number): Promise<void>;
  /** The same beside requests that are under way; it keeps no process alive. */
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
export class Unreachable extends Error {
  override readonly name = 'Unreachable';
}

/** One answer per replica, at the replica's place; undefined where none came. */
export type Answers<Answer> = (Answer | undefined)[];

export interface Patience<Answer> {
  /** Whether what came so far decides; `open` requests are still on their way. */
  readonly enough: (answers: Answers<Answer>, open: number) => boolean;
  /** Waits so much longer for the others once there is enough. */
  readonly graceMs?: number;
  /** Waits no longer in all. */
  readonly ms: number;
  readonly timer: Timer;
}

/**
 * Asks all replicas at once. An `Unreachable` one is a missing answer; any other error is thrown.
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
    let open = asked.filter((pending) => pending !== undefined).length;
    const settle = () => {
      open -= 1;
      if (open === 0) end();
      else if (enough(answers, open)) timer.limit(graceMs).then(end, reject);
    };
    const fail = (error: unknown) => (error instanceof Unreachable ? settle() : reject(error));
    asked.forEach((pending, at) => {
      pending?.then((answer) => {
        answers[at] = answer;
        settle();
      }, fail);
    });
    if (open === 0) end();
    timer.limit(ms).then(end, reject);
  });
}

export function count<Answer>(answers: Answers<Answer>, matches: (answer: Answer) => boolean): number {
  return answers.filter((answer) => answer !== undefined && matches(answer)).length;
}

export function quorumOf(replicas: readonly unknown[]): number {
  return Math.floor(replicas.length / 2) + 1;
}
