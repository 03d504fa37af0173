/**
 * The servers: invocations of the real protocol, each on a machine with a clock of its own, behind a network that loses
 * things.
 */

import { ProblemError } from '../../../api/problem.ts';
import type { Leadership } from '../../../leadership/leadership.ts';
import { isUnavailable } from '../../../store/store-errors.ts';
import { distantStore, type Store } from './distant-store.ts';
import type { Process } from './process.ts';
import type { Witness } from './witness.ts';
import type { World } from './world.ts';

export type Room = Leadership & { readonly store: Store };

/** Faults, as probabilities per message. */
export interface Weather {
  readonly lost: number;
  readonly duplicated: number;
  /** On average; every message takes its own time, so that they overtake each other. */
  readonly delayMs: number;
  readonly late: number;
  readonly lateMs: number;
  readonly storeFault: number;
  readonly serverCrash: number;
}

export const calm: Weather = { lost: 0, duplicated: 0, delayMs: 5, late: 0, lateMs: 0, storeFault: 0, serverCrash: 0 };

export interface ServiceOptions {
  readonly world: World;
  readonly witness: Witness;
  readonly store: Store;
  readonly maxClockSkewMs: number;
  /** How far the clock of a server may be off true time, ms. */
  readonly clockErrorMs: number;
  readonly weather: Weather;
}

/** Any instant will do. */
const epoch = 1_800_000_000_000;
const servers = 8;
/** On average a clock is off by another amount after so long, at once, as a time server sets it. */
const clockStepsMs = 20_000;

export type Service = ReturnType<typeof createService>;

export function createService({ world, witness, store, maxClockSkewMs, clockErrorMs, ...options }: ServiceOptions) {
  const { random } = world;
  let { weather } = options;
  const clockError = () => random.between(-clockErrorMs, clockErrorMs);
  const clocks = Array.from({ length: servers }, () => ({ error: clockError() }));
  for (const clock of clocks) step(clock);

  function step(clock: { error: number }): void {
    world.after(random.exponential(clockStepsMs), () => {
      clock.error = clockError();
      step(clock);
    });
  }

  function carry(arrive: () => void): void {
    const { lost, delayMs, late, lateMs } = weather;
    if (random.chance(lost)) return;
    world.after(random.exponential(delayMs) + (random.chance(late) ? random.exponential(lateMs) : 0), arrive);
  }

  function invocation(): Room {
    const clock = random.pick(clocks);
    const faulty = () => random.chance(weather.storeFault);
    const crashes = () => random.chance(weather.serverCrash);
    return {
      store: distantStore({ world, witness, store, carry, faulty, crashes }),
      clock: { now: () => Math.floor(epoch + world.time + clock.error) },
      maxClockSkewMs,
      random: random.next,
      pause: (ms) => new Promise((resolve) => world.after(ms, () => resolve(undefined))),
    };
  }

  return {
    carry,

    /**
     * Sends one request: it may get lost or arrive twice, and so may its answer. Settles only when an answer arrives.
     */
    call: <Answer>(act: (room: Room) => Promise<Answer>): Promise<Answer> =>
      new Promise((resolve, reject) => {
        const arrive = () =>
          act(invocation()).then(
            (answer) => carry(() => resolve(answer)),
            (error: unknown) => {
              if (!(error instanceof ProblemError) && !isUnavailable(error)) witness.violate(`failure: ${error}`);
              carry(() => reject(error));
            },
          );
        carry(() => void arrive());
        if (random.chance(weather.duplicated)) carry(() => void arrive());
      }),

    /** The store as a process reaches it without a server, by a clock of its own; it may stand still at every turn. */
    direct(process: Process): Room {
      const clock = { error: clockError() };
      step(clock);
      const faulty = () => random.chance(weather.storeFault);
      const distant = distantStore({ world, witness, store, carry, faulty, crashes: () => process.crashed });
      return {
        store: standingStill(distant, process),
        clock: { now: () => Math.floor(epoch + world.time + clock.error) },
        maxClockSkewMs,
        random: random.next,
        pause: async (ms) => process.pause(ms),
      };
    },

    /** From now on nothing goes wrong; clocks stay as they are. */
    heal(): void {
      weather = calm;
    },
  };
}

/** Between the reading of the clock and the request, and between the answer and what comes of it. */
function standingStill(store: Store, process: Process): Store {
  const method =
    (name: keyof Store) =>
    async (...given: unknown[]) => {
      await process.goOn();
      try {
        return await (store[name] as (...given: unknown[]) => Promise<unknown>)(...given);
      } finally {
        await process.goOn();
      }
    };
  return new Proxy(store, { get: (_, name) => method(name as keyof Store) });
}
