/**
 * The store as an invocation reaches it: each request is sent as often as the SDK would send it, and takes its time.
 */
import type { GroupStore } from '../../../leadership/group-table.ts';
import { toRecord } from '../../../leadership/lease-items.ts';
import type { LeaseStore } from '../../../leadership/lease-store.ts';
import type { Witness } from './witness.ts';
import type { World } from './world.ts';

export type Store = LeaseStore & GroupStore;
type Method = keyof Store;

export interface Distance {
  readonly world: World;
  readonly witness: Witness;
  readonly store: Store;
  /** Takes a message to the other side, or loses it. */
  carry(arrive: () => void): void;
  /** Whether this request, or its answer, meets a fault of the store. */
  faulty(): boolean;
  /** Whether the machine ends before this request. */
  crashes(): boolean;
}

/**
 * As the SDK is told to try: three times, half a second each; what compares the time is tried again by the protocol.
 */
const tries = 3;
const onceOnly = new Set<Method>(['confirm', 'renew', 'restoreHolder']);
const timeoutMs = 500;

/** One write whose token tells a second try from a second transaction. */
const transactions = new Set<Method>(['create', 'expire', 'close']);

export function distantStore(distance: Distance): Store {
  const machine = { dead: false };
  const method =
    (name: Method) =>
    (...given: unknown[]) =>
      new Promise((resolve, reject) => request(name, given, resolve, reject));

  function request(
    name: Method,
    given: unknown[],
    resolve: (answer: unknown) => void,
    reject: (error: unknown) => void,
  ) {
    const earlier: Earlier = {};
    attempt(1);

    function attempt(tried: number): void {
      if (distance.crashes()) machine.dead = true;
      if (machine.dead) return;
      let over = false;
      const settle = (act: () => void) => {
        if (over || machine.dead) return;
        over = true;
        cancel();
        act();
      };
      const cancel = distance.world.after(timeoutMs, () =>
        settle(() => (tried < tries && !onceOnly.has(name) ? attempt(tried + 1) : reject(unreachable()))),
      );
      if (distance.faulty()) return;
      distance.carry(() => {
        const answer = arrived(distance, name, given, earlier);
        const back = () => {
          if (!distance.faulty()) distance.carry(() => settle(() => answer.then(resolve, reject)));
        };
        answer.then(back, back);
      });
    }
  }

  return new Proxy(distance.store, { get: (_, name) => method(name as Method) });
}

interface Earlier {
  /** The result of a transaction's first try, if it won. */
  answer?: Promise<unknown>;
}

/** The store's handling of a request that has arrived. */
async function arrived({ world, witness, store }: Distance, name: Method, given: unknown[], earlier: Earlier) {
  const [group, consistent] = given as [string, boolean];
  if (name === 'read' && !consistent && world.random.chance(0.5))
    return toRecord(witness.itemAt(group, world.time - world.random.exponential(1_000)));
  const act = () => (store[name] as (...given: unknown[]) => Promise<unknown>)(...given);
  if (!transactions.has(name)) return act();
  earlier.answer ??= act();
  const { answer } = earlier;
  const received = (await answer) as { readonly won?: unknown } | boolean;
  if (!(typeof received === 'boolean' ? received : received.won)) delete earlier.answer;
  return answer;
}

function unreachable(): Error {
  return Object.assign(new Error('The store did not answer'), { name: 'TimeoutError' });
}
