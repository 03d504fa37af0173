/** A process of its own: it can stand still for a while, and then does not know, and it can end. */
import { ProblemError } from '../../../api/problem.ts';
import type { World } from './world.ts';

/** The outcome of a request: a response, a refusal, or nothing that says whether it took effect. */
export type Outcome<Answer> =
  | { readonly answer: Answer; readonly problem?: never }
  | { readonly problem: ProblemError; readonly answer?: never }
  | { readonly problem?: never; readonly answer?: never };

export type Process = ReturnType<typeof createProcess>;

export function createProcess(world: World, name: string, freezes: () => number, freezeMs: number) {
  const { random } = world;
  const zero = random.between(0, 1e6);
  let thawsAt = 0;
  let crashed = false;

  /** Every time it would continue it may stand still first. */
  async function goOn(): Promise<void> {
    if (random.chance(freezes())) thawsAt = world.time + random.exponential(freezeMs);
    while (world.time < thawsAt) await world.sleep(thawsAt - world.time);
  }

  return {
    name,
    get crashed() {
      return crashed;
    },
    crash(): void {
      crashed = true;
    },
    get frozen() {
      return world.time < thawsAt;
    },
    goOn,
    /** Runs as true time does, from a zero of its own; also while the process stands still. */
    monotonic: () => zero + world.time,
    trueTime: (monotonic: number) => monotonic - zero,

    async pause(ms: number): Promise<void> {
      await world.sleep(ms);
      await goOn();
    },

    /** Waits for the answer so long and not longer; one that comes later is not heard. */
    async ask<Answer>(timeoutMs: number, send: () => Promise<Answer>): Promise<Outcome<Answer>> {
      const outcome = await new Promise<Outcome<Answer>>((resolve) => {
        const cancel = world.after(timeoutMs, () => resolve({}));
        void send()
          .then(
            (answer) => ({ answer }),
            (error: unknown) => (error instanceof ProblemError ? { problem: error } : {}),
          )
          .then((received) => {
            cancel();
            resolve(received);
          });
      });
      await goOn();
      return outcome;
    },
  };
}
