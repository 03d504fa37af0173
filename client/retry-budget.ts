import type { Time } from './time.ts';

/** Further tries that may be sent at once. */
const burst = 100;
const perSecond = 20;

/**
 * Spaces the further tries of all calls of one client. A service that refuses everything would otherwise meet each call
 * again and again, and a leader's renewals, which are not spaced, would meet their crowd. Each success, and time, gives
 * a try back: while most calls succeed nothing waits.
 */
export class RetryBudget {
  readonly #time: Time;
  #spent = 0;
  #lookedAt: number;

  constructor(time: Time) {
    this.#time = time;
    this.#lookedAt = time.monotonic();
  }

  /** After how long one more try may be sent, ms. */
  wait(): number {
    const now = this.#time.monotonic();
    this.#spent = Math.max(0, this.#spent - ((now - this.#lookedAt) / 1_000) * perSecond);
    this.#lookedAt = now;
    return Math.max(0, ((this.#spent + 1 - burst) / perSecond) * 1_000);
  }

  /** Call it for each try that is going to be sent, after `wait`. */
  spend(): void {
    this.#spent += 1;
  }

  succeeded(): void {
    this.#spent = Math.max(0, this.#spent - 1);
  }
}
