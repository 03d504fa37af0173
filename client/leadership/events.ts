import type { TenureError } from '../tenure-error.ts';
import type { Loss } from './loss.ts';
import type { Term } from './term.ts';

/** What an elector tells its owner. Every callback runs outside the elector: none can stall it, an error of any reaches onError. */
export interface ElectorEvents {
  /** The lease is granted: get ready. The leader is confirmed, and shown to observers, when this has resolved. */
  readonly onGranted?: (term: Term) => void | Promise<void>;
  /** Observers are shown this leader now. */
  readonly onConfirmed?: (term: Term) => void | Promise<void>;
  /** The lease goes on: `term.remainingMs()` is whole again. */
  readonly onRenewed?: (term: Term) => void | Promise<void>;
  /** The term is over, exactly once for each that was granted: stop its work. */
  readonly onRevoked?: (loss: Loss, term: Term) => void | Promise<void>;
  /** Another holds the lease; the elector asks again after `retryAfterMs`. */
  readonly onWaiting?: (held: TenureError) => void | Promise<void>;
  /** The service cannot be reached, or the clock jumped; the term goes on if a renewal succeeds before its deadline. */
  readonly onSuspended?: (term: Term, error?: unknown) => void | Promise<void>;
  /** A renewal has succeeded after onSuspended. */
  readonly onReconnected?: (term: Term) => void | Promise<void>;
  /** Errors of the service and of the callbacks; a process warning unless given. */
  readonly onError?: (error: unknown) => void;
}

type Callback = Exclude<keyof ElectorEvents, 'onError'>;
type Told<Name extends Callback> = Parameters<NonNullable<ElectorEvents[Name]>>;

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
    if (!callback) return;
    try {
      await callback(...given);
    } catch (error) {
      this.error(error);
      throw error;
    }
  }

  /** The same for whoever does not wait. */
  announce<Name extends Callback>(name: Name, ...given: Told<Name>): void {
    this.tell(name, ...given).catch(() => {});
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
