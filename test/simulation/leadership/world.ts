/**
 * True time and what happens in it: events in order, one at a time, each followed by everything that it lets continue.
 */
import { type SeededRandom, seededRandom } from '../../support/seeded-random.ts';

export interface World {
  /** ms since the beginning; servers and contenders only see it through clocks of their own. */
  readonly time: number;
  readonly random: SeededRandom;
  /** Runs `act` after that many ms; the answer cancels it. */
  after(ms: number, act: () => void): () => void;
  sleep(ms: number): Promise<void>;
  /** Lets everything happen that happens until then; returns the number of events. */
  runUntil(time: number): Promise<number>;
}

interface Event {
  readonly time: number;
  readonly order: number;
  act: (() => void) | undefined;
}

/** Errors that nobody waits for end the run, through `fail`. */
export function createWorld(seed: number, afterEvent: () => void): World {
  const queue: Event[] = [];
  let now = 0;
  let order = 0;

  const world: World = {
    get time() {
      return now;
    },
    random: seededRandom(seed),
    after(ms, act) {
      order += 1;
      const event: Event = { time: now + Math.max(0, ms), order, act };
      push(queue, event);
      return () => {
        event.act = undefined;
      };
    },
    sleep: (ms) => new Promise((resolve) => world.after(ms, resolve)),
    async runUntil(end) {
      const { stackTraceLimit } = Error;
      // Refusals are thrown by the thousand, and nobody reads where.
      Error.stackTraceLimit = 0;
      let events = 0;
      for (let next = queue[0]; next && next.time <= end; next = queue[0]) {
        pop(queue);
        if (!next.act) continue;
        now = next.time;
        next.act();
        events += 1;
        await settled(events);
        afterEvent();
      }
      now = end;
      Error.stackTraceLimit = stackTraceLimit;
      return events;
    },
  };
  return world;
}

/**
 * Every promise that can continue has continued. A tick comes once no microtask is left, and costs a fraction of a turn
 * of the event loop; the process that watches the run is answered in such a turn now and then.
 */
const settled = (events: number) =>
  new Promise<void>((resolve) => (events % 1_000 === 0 ? setImmediate(resolve) : process.nextTick(resolve)));

const earlier = (one: Event, other: Event) => one.time - other.time || one.order - other.order;

function push(heap: Event[], event: Event): void {
  let at = heap.push(event) - 1;
  while (at > 0) {
    const parent = (at - 1) >> 1;
    if (earlier(heap[parent] as Event, event) <= 0) break;
    heap[at] = heap[parent] as Event;
    at = parent;
  }
  heap[at] = event;
}

function pop(heap: Event[]): void {
  const last = heap.pop() as Event;
  if (heap.length === 0) return;
  let at = 0;
  for (;;) {
    const left = 2 * at + 1;
    if (left >= heap.length) break;
    const right = left + 1;
    const child = right < heap.length && earlier(heap[right] as Event, heap[left] as Event) < 0 ? right : left;
    if (earlier(last, heap[child] as Event) <= 0) break;
    heap[at] = heap[child] as Event;
    at = child;
  }
  heap[at] = last;
}
