import { AsyncLocalStorage } from 'node:async_hooks';
import type { TenureError } from '../tenure-error.ts';
import type { Loss } from './loss.ts';
import type { Term } from './term.ts';

/**
 * An elector's events. Every callback runs outside the elector: none can stall a renewal, an error of
 * any reaches onError. Those of one term have settled before those of the next begin.
 */
export interface ElectorEvents {
  /**
   * The lease is granted. Nothing waits for it but the next term: what must be done before observers see the leader
   * belongs into `prepare`.
   */
  readonly onGranted?: (term: Term) => void | Promise<void>;
  /** Observers are shown this leader now. */
  readonly onConfirmed?: (term: Term) => void | Promise<void>;
  /** The lease was extended: `term.remainingMs()` is whole again. */
  readonly onRenewed?: (term: Term) => void | Promise<void>;
  /**
   * The term is over, exactly once for each that was granted: stop its work. The lease is given back when this has
   * settled.
   */
  readonly onRevoked?: (loss: Loss, term: Term) => void | Promise<void>;
  /** Another holds the lease, or this process had it a moment ago; the elector waits. */
  readonly onWaiting?: (held: TenureError) => void | Promise<void>;
  /**
   * The service cannot be reached, or the clock jumped; the term continues if a renewal succeeds before its deadline.
   */
  readonly onSuspended?: (term: Term, error?: unknown) => void | Promise<void>;
  /** A renewal has succeeded after onSuspended. */
  readonly onReconnected?: (term: Term) => void | Promise<void>;
  /** Errors of the service and of the callbacks; a process warning unless given. */
  readonly onError?: (error: unknown) => void;
}

/** The work of a leader. */
export interface LeaderWork {
  /**
   * Gets ready, for example recovers the group's jobs; observers are shown the leader when it has resolved. If it
   * throws, the lease is given back.
   */
  readonly prepare?: (term: Term) => void | Promise<void>;
  /**
   * Leads, from the confirmation until `term.signal` aborts. When it returns before, or throws, the term is resigned.
   */
  readonly lead?: (term: Term) => void | Promise<void>;
}

type Callback = Exclude<keyof ElectorEvents, 'onError'>;
type Told<Name extends Callback> = Parameters<NonNullable<ElectorEvents[Name]>>;

/** A callback that is running: what is called within it must not wait for it. */
interface Running {
  readonly owner: Announcer;
  /** Lets everybody continue who waits for this callback. */
  excuse(): void;
}

const running = new AsyncLocalStorage<Running>();

/** Calls the callbacks in order, each in a turn of its own. */
export class Announcer {
  readonly #events: ElectorEvents;

  constructor(events: ElectorEvents) {
    this.#events = events;
  }

  /** Resolves when the callback has settled; rejects with its error, which onError has seen by then. */
  async tell<Name extends Callback>(name: Name, ...given: Told<Name>): Promise<void> {
    await undefined;
    const callback = this.#events[name] as ((...given: Told<Name>) => void | Promise<void>) | undefined;
    if (callback) await this.run(() => callback(...given));
  }

  /** The same, without waiting. */
  announce<Name extends Callback>(name: Name, ...given: Told<Name>): void {
    this.tell(name, ...given).catch(() => {});
  }

  /** Runs work of the owner's: it may close the elector, or resign, without waiting for itself. */
  async run(act: () => void | Promise<void>): Promise<void> {
    let excuse = () => {};
    const excused = new Promise<void>((resolve) => (excuse = resolve));
    const acting = running.run({ owner: this, excuse }, async () => act());
    const settled = acting.catch((error: unknown) => {
      this.error(error);
      throw error;
    });
    // Once it is excused its error is still reported, and nobody is left to throw it to.
    settled.catch(() => {});
    await Promise.race([settled, excused]);
  }

  /** To be called by what waits for callbacks: one that calls it itself is not waited for. */
  excuseCaller(): void {
    const caller = running.getStore();
    if (caller?.owner === this) caller.excuse();
  }

  error(error: unknown): void {
    const { onError = (unheard) => process.emitWarning(unheard instanceof Error ? unheard : String(unheard)) } =
      this.#events;
    try {
      onError(error);
    } catch (failure) {
      process.emitWarning(failure instanceof Error ? failure : String(failure));
    }
  }
}
