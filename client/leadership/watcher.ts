import type * as z from 'zod/mini';
import type { observe } from '../../api/operations/leadership.ts';
import type { TenureClient } from '../tenure-client.ts';
import { sleep } from '../time.ts';

/** As long as the service allows, ms. */
const longestWaitMs = 20_000;
/** A process that may not have its request held polls for so long before it asks again to be, ms. */
const crowdedMs = 60_000;

/** The observers' view: the confirmed leader or none, and the version. */
export type LeaderView = z.output<typeof observe.answer>;

export interface LeaderWatcherOptions {
  readonly client: TenureClient;
  readonly group: string;
  /**
   * Least time between two requests, ms.
   * @defaultValue 1_000
   */
  readonly everyMs?: number;
  /**
   * How long the service may hold a request until something changes, ms, at most 20,000. A change is then seen within
   * about 250 ms, for fewer requests and more time of a function (docs/cost.md). 0 polls every `everyMs`, as direct
   * mode always does.
   * @defaultValue 20_000
   */
  readonly waitMs?: number;
  readonly signal?: AbortSignal;
  /** Receives a failed observation; watching continues. Without it the error ends the watch. */
  readonly onError?: (error: unknown) => void;
}

/**
 * Follows who leads a group, as any process may: `for await (const view of new LeaderWatcher({ client, group }))` gives
 * the present view and then each that differs in leader, addresses, term or pending confirmation. A renewal alone is no
 * change. Ends when the signal fires. One request of a caller is held for each group: where several processes sign with
 * the same session of a role, the others poll.
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
    let seen: LeaderView | undefined;
    /** Until then another request of this caller is assumed to be held. */
    let crowdedUntil = Number.NEGATIVE_INFINITY;
    while (!signal?.aborted) {
      const askedAt = client.time.monotonic();
      const view = await this.#observe(askedAt < crowdedUntil ? undefined : seen?.revision);
      if (view?.held === false) crowdedUntil = askedAt + crowdedMs;
      if (view && (!seen || identity(view) !== identity(seen))) yield view;
      seen = view ?? seen;
      await sleep(client.time, Math.max(0, askedAt + everyMs - client.time.monotonic()), signal);
    }
  }

  async #observe(afterRevision: string | undefined): Promise<LeaderView | undefined> {
    const { client, group, waitMs = longestWaitMs, signal, onError } = this.#options;
    const waits = afterRevision !== undefined && waitMs > 0 && { afterRevision, waitMs };
    try {
      return await client.observe(group, { ...waits, ...(signal && { signal }) });
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
