import type { Chance, Timer } from '../../../log/protocol/quorum.ts';
import { StaleConfigurationError, UnreachableError } from '../../../log/protocol/quorum.ts';
import type { SeededRandom } from '../../support/seeded-random.ts';

export interface Weather {
  readonly loss: number;
  readonly duplication: number;
  /** How often a message takes long enough to be overtaken by many others. */
  readonly slow: number;
  /** How often a process dies when it is about to send a message. */
  readonly crash: number;
  /** How often a process begins to stall: most of its next messages then take very long. */
  readonly stall: number;
}

interface Event {
  readonly at: number;
  readonly order: number;
  readonly run: () => void;
  /** Nothing is left to do: the answer came before the timeout. */
  moot?: true;
}

/** A process of the simulation: once it is dead it sends nothing and hears nothing more. */
export class Process {
  dead = false;
  /** So many of the next messages are held up. */
  stalling = 0;

  constructor(
    readonly name: string,
    readonly skew: number,
  ) {}
}

const timeout = 400;

/** Virtual time and a network that loses, doubles, delays and reorders; everything follows from the seed. */
export class World {
  now = 0;
  steps = 0;
  weather: Weather;
  private readonly queue: Event[] = [];
  private order = 0;
  private ids = 0;
  private failure: unknown;

  constructor(
    readonly dice: SeededRandom,
    weather: Weather,
  ) {
    this.weather = weather;
  }

  at(delay: number, run: () => void): Event {
    const event: Event = { at: this.now + delay, order: this.order++, run };
    const { queue } = this;
    queue.push(event);
    for (let child = queue.length - 1; child > 0; ) {
      const parent = (child - 1) >> 1;
      if (!before(event, queue[parent] as Event)) break;
      [queue[child], queue[parent]] = [queue[parent] as Event, event];
      child = parent;
    }
    return event;
  }

  /**
   * Sends a request that takes effect when `deliver` runs: perhaps never, perhaps twice, perhaps after the timeout.
   * `farness` makes its place slow to reach.
   */
  call<Answer>(process: Process, deliver: () => Answer, farness = 0): Promise<Answer> {
    const { dice } = this;
    if (dice.chance(this.weather.crash)) process.dead = true;
    if (dice.chance(this.weather.stall)) process.stalling = 6;
    const held = process.stalling-- > 0 && dice.chance(0.6) ? dice.integer(300, 3_000) : 0;
    return new Promise((resolve, reject) => {
      if (process.dead) return;
      const expiry = this.at(timeout, () => {
        if (!process.dead) reject(new UnreachableError('no answer'));
      });
      const hear = (outcome: () => Answer) => () => {
        expiry.moot = true;
        if (process.dead) return;
        try {
          resolve(outcome());
        } catch (error) {
          reject(error);
        }
      };
      const carry = (delay: number) =>
        this.at(delay, () => {
          const outcome = attempt(deliver);
          if (!dice.chance(this.weather.loss)) this.at(this.delay(0), hear(outcome));
        });
      if (!dice.chance(this.weather.loss)) carry(held + this.delay(farness));
      if (dice.chance(this.weather.duplication)) carry(this.delay(farness) * 3);
    });
  }

  timer(process: Process): Timer {
    const sleep = (ms: number) =>
      new Promise<void>((resolve) =>
        this.at(ms, () => {
          if (!process.dead) resolve();
        }),
      );
    return { now: () => 1_000_000 + this.now + process.skew, sleep, limit: sleep };
  }

  chanceOf(): Chance {
    return { number: () => this.dice.next(), id: () => `id-${(this.ids++).toString(36).padStart(9, '0')}` };
  }

  /** Starts an activity; an error that it throws ends the run. */
  start(activity: () => Promise<void>): void {
    activity().catch((error: unknown) => {
      this.failure ??= error;
    });
  }

  /** Runs until nothing is left to happen, `until` says so, or `maxSteps` events have happened. */
  async run(maxSteps: number, until: () => boolean = () => false): Promise<void> {
    const end = this.steps + maxSteps;
    await settled();
    for (; this.steps < end && !until(); this.steps += 1) {
      let event = this.next();
      while (event?.moot) event = this.next();
      if (!event) return;
      this.now = event.at;
      event.run();
      await settled();
      if (this.failure) throw this.failure;
    }
  }

  private next(): Event | undefined {
    const { queue } = this;
    const first = queue[0];
    const last = queue.pop();
    if (!first || !last || queue.length === 0) return first;
    let parent = 0;
    for (;;) {
      let child = 2 * parent + 1;
      if (child >= queue.length) break;
      if (child + 1 < queue.length && before(queue[child + 1] as Event, queue[child] as Event)) child += 1;
      if (!before(queue[child] as Event, last)) break;
      queue[parent] = queue[child] as Event;
      parent = child;
    }
    queue[parent] = last;
    return first;
  }

  private delay(farness: number): number {
    const { dice } = this;
    return dice.chance(this.weather.slow + farness) ? dice.integer(20, 1_500) : dice.integer(1, 12);
  }
}

/** A refusal by the configuration is an answer, which travels; every other error ends the run. */
function attempt<Answer>(deliver: () => Answer): () => Answer {
  try {
    const answer = deliver();
    return () => answer;
  } catch (error) {
    if (!(error instanceof StaleConfigurationError)) throw error;
    return () => {
      throw error;
    };
  }
}

function before(one: Event, other: Event): boolean {
  return one.at < other.at || (one.at === other.at && one.order < other.order);
}

/** Lets every continuation of the last event run before the next event. */
function settled(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
