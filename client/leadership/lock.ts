import type { TenureClient } from '../tenure-client.ts';
import { TenureError } from '../tenure-error.ts';
import { LeaderElector } from './elector.ts';
import { LeadershipLostError } from './loss.ts';
import type { LeaseSettings } from './settings.ts';
import type { Term } from './term.ts';

/** How a lock is waited for and held. */
export interface LockOptions extends LeaseSettings {
  /** How long to wait for the lock, ms; 0 asks once. @defaultValue as long as it takes */
  readonly waitMs?: number;
  /** Ends the wait or the work: its reason is thrown, and the term's signal aborts. */
  readonly signal?: AbortSignal;
  /** The name of the holder for people. @defaultValue host, process id and a random part */
  readonly contenderId?: string;
  /** Receives errors that are tried again, for instance while the service cannot be reached. */
  readonly onRetry?: (error: unknown) => void;
}

/**
 * Runs `act` while this process holds the lock `name`, and returns its result. Of all that do so, one runs at a time,
 * as long as its lease is renewed. `term` is the fence of what `act` writes; its signal aborts when the lock is lost,
 * and `act` must stop then: a store that compares `term.fencingVersion` refuses the one that does not.
 *
 * @throws TenureError `leadership_held` when another holds the lock for all of `waitMs`, or the error of a service that
 *   could not be asked; LeadershipLostError when the lock was lost before `act` had ended; whatever `act` throws.
 *
 * @example
 * ```ts
 * import { TenureClient, withLock } from 'tenure';
 *
 * const client = new TenureClient();
 * const version = await withLock(client, 'migrations', async (term) => {
 *   console.log(`migrating with fencing version ${term.fencingVersion}`);
 *   return term.fencingVersion;
 * });
 * console.log(version);
 * ```
 */
export async function withLock<Value>(
  client: TenureClient,
  name: string,
  act: (term: Term) => Value | Promise<Value>,
  options: LockOptions = {},
): Promise<Value> {
  const { waitMs, signal, onRetry, ...settings } = options;
  signal?.throwIfAborted();
  let last: unknown;
  let granted = false;
  let settle: { resolve(value: Value): void; reject(error: unknown): void } | undefined;
  const outcome = new Promise<Value>((resolve, reject) => {
    settle = { resolve, reject };
  });
  const fail = (error: unknown) => settle?.reject(error);
  const elector = new LeaderElector({
    ...settings,
    client,
    group: name,
    stayOut: false,
    contendAgain: false,
    onWaiting(held) {
      last = held;
      if (waitMs === 0) fail(held);
    },
    onError(error) {
      last = error;
      if (granted || (error instanceof TenureError && error.retryable)) onRetry?.(error);
      else fail(error);
    },
    async lead(term) {
      granted = true;
      stopWaiting();
      try {
        const value = await act(term);
        if (term.loss) throw new LeadershipLostError(term.loss);
        settle?.resolve(value);
      } catch (error) {
        fail(error);
      }
    },
    onRevoked(loss) {
      if (!granted) fail(new LeadershipLostError(loss));
    },
  });
  const stopWaiting = waitMs ? client.time.setTimer(waitMs, () => fail(last ?? notGranted(name, waitMs))) : () => {};
  const onAbort = () => fail(signal?.reason);
  signal?.addEventListener('abort', onAbort, { once: true });
  elector.start();
  try {
    return await outcome;
  } finally {
    stopWaiting();
    signal?.removeEventListener('abort', onAbort);
    // Also waits for `act`, which the term's signal has asked to stop.
    await elector.close({ stayOut: false });
  }
}

function notGranted(name: string, waitMs: number): TenureError {
  const message = `The lock ${name} was not granted within ${waitMs} ms; wait longer, or check the service.`;
  return new TenureError(message, { code: 'unreachable', status: 0, retryable: true, request: `lock ${name}` });
}
