/** Questions of a page, and the answers known so far. */
import type { Problem } from './api.ts';

/** One answer of the API, as far as it is known. */
export interface Known<Value> {
  readonly value?: Value | undefined;
  /** Why the last question had no answer; the value before it stays. */
  readonly problem?: Problem | undefined;
  /** When the value came. */
  readonly at?: number | undefined;
}

export interface Question {
  readonly name: string;
  everyMs(live: Live): number;
  ask(): Promise<unknown>;
}

export interface Live {
  get<Value>(name: string): Known<Value>;
  /** Asks again soon, as after an action. */
  refresh(...names: string[]): void;
  /** Epoch ms of the last answer of any kind. */
  readonly lastAnswerAt: number | undefined;
  /** Nothing is answered at all. */
  readonly outage: Problem | undefined;
}

/** Under which name an answer about a group is kept for every page. */
export const keptName = (group: string, name: string): string => `${group} ${name}`;
