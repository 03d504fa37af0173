import type * as z from 'zod/mini';
import type { observe } from '../../api/operations/leadership.ts';
import type { TenureClient } from '../tenure-client.ts';
import { sleep } from '../time.ts';

/** The observers' view: the confirmed leader or none, and the version. */
export type LeaderView = z.output<typeof observe.answer>;

export interface LeaderWatcherOptions {
  readonly client: TenureClient;
  readonly group: string;
  /** Time between two observations, ms; 1,000 unless given. Each costs half a read unit. */
  readonly everyMs?: number;
  readonly signal?: AbortSignal;
  /** Receives a failed observation; watching continues. Without it the error ends the watch. */
  readonly onError?: (error: unknown) => void;
}

/**
 * Follows who leads a group, as any process may: `for await (const view of new LeaderWatcher({ client, group }))` gives
 * the present view and then each that differs in leader, addresses, term or pending confirmation. A renewal alone is no
 * change. Ends when the signal fires.
 *
 * @example
 * ```ts
 * import { LeaderWatcher, TenureClient } from 'tenure';
 *
 * for await (const { leader, fencingVersion } of new LeaderWatcher({ client: new TenureClient(), group: 'orders' })) {
 *   console.log(leader ? `${leader.address} leads with version ${fencingVersion}` : 'nobody leads');
 * }
 * ```
 */
export class LeaderWatcher implements AsyncIterable<LeaderView> {
  readonly #options: LeaderWatcherOptions;

  constructor(options: LeaderWatcherOptions) {
    this.#options = options;
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<LeaderView> {
    const { client, everyMs = 1_000, signal } = this.#options;
    let seen: string | undefined;
    while (!signal?.aborted) {
      const view = await this.#observe();
      if (view && identity(view) !== seen) {
        seen = identity(view);
        yield view;
      }
      await sleep(client.time, everyMs, signal);
    }
  }

  async #observe(): Promise<LeaderView | undefined> {
    const { client, group, signal, onError } = this.#options;
    try {
      return await client.observe(group, signal ? { signal } : {});
    } catch (error) {
      if (signal?.aborted) return undefined;
      if (!onError) throw error;
      onError(error);
      return undefined;
    }
  }
}

function identity({ fencingVersion, leader, pending, addresses }: LeaderView): string {
  const { contenderId, sessionId, address, metadata } = leader ?? {};
  return JSON.stringify([fencingVersion, pending, contenderId, sessionId, address, metadata, addresses]);
}
