import type { Time } from '../../client/time.ts';

interface Timer {
  readonly at: number;
  readonly order: number;
  fire(): void;
}

/**
 * Clocks and timers of one process that a test moves by hand. `real` is the time that everybody else lives in: the
 * service counts by it, also while this process or its machine stands still.
 */
export class ManualTime implements Time {
  real = 0;
  #monotonic = 50_000;
  #wallAheadMs: number;
  #timers: Timer[] = [];
  #orders = 0;
  #running = true;

  constructor(epoch = Date.parse('2026-11-01T12:00:00Z')) {
    this.#wallAheadMs = epoch;
  }

  now(): number {
    return this.real + this.#wallAheadMs;
  }

  monotonic(): number {
    return this.#monotonic;
  }

  setTimer(ms: number, fire: () => void): () => void {
    const timer = { at: this.#monotonic + Math.max(0, ms), order: ++this.#orders, fire };
    this.#timers.push(timer);
    return () => {
      this.#timers = this.#timers.filter((other) => other !== timer);
    };
  }

  get pendingTimers(): number {
    return this.#timers.length;
  }

  /** Lets time pass and fires what becomes due, in order; `look` runs after each step. */
  async advance(ms: number, look: () => void = () => {}): Promise<void> {
    const end = this.#monotonic + ms;
    await this.#settled(look);
    for (let due = this.#next(); due && due.at <= end && this.#running; due = this.#next()) {
      this.#pass(Math.max(0, due.at - this.#monotonic));
      this.#fire(due);
      await this.#settled(look);
    }
    this.#pass(Math.max(0, end - this.#monotonic));
    await this.#settled(look);
  }

  /** The process stands still (SIGSTOP, a long pause): all clocks continue, no timer fires until it is thawed. */
  async freeze(ms: number, look: () => void = () => {}): Promise<void> {
    this.#pass(ms);
    look();
    await this.advance(0, look);
  }

  /** The machine sleeps: the wall clock shows it afterwards, the monotonic clock does not. */
  sleepMachine(ms: number): void {
    this.real += ms;
  }

  /** Somebody sets the wall clock. */
  stepWall(ms: number): void {
    this.#wallAheadMs += ms;
  }

  /** The process is killed: no timer fires any more. */
  kill(): void {
    this.#running = false;
    this.#timers = [];
  }

  #pass(ms: number): void {
    this.#monotonic += ms;
    this.real += ms;
  }

  #next(): Timer | undefined {
    return this.#timers.reduce<Timer | undefined>(
      (first, timer) =>
        !first || timer.at < first.at || (timer.at === first.at && timer.order < first.order) ? timer : first,
      undefined,
    );
  }

  #fire(timer: Timer): void {
    this.#timers = this.#timers.filter((other) => other !== timer);
    timer.fire();
  }

  /** Waits until work without a timer (promises, response bodies) has settled. */
  async #settled(look: () => void): Promise<void> {
    for (let turn = 0; turn < 3; turn += 1) {
      await new Promise((resolve) => setImmediate(resolve));
      look();
    }
  }
}
