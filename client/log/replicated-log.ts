import type * as z from 'zod/mini';
import { createLog, readEntries, showLog } from '../../api/operations/log.ts';
import { tableClient } from '../direct/table-client.ts';
import type { LogTables } from '../direct/table-options.ts';
import type { Leading, LeadingTerm } from '../jobs/leading-term.ts';
import type { CallOptions } from '../request.ts';
import type { TenureClient } from '../tenure-client.ts';
import { hasCode, TenureError } from '../tenure-error.ts';
import { sleep } from '../time.ts';
import { LogWriter } from './log-writer.ts';

export type LogStatus = z.output<typeof showLog.answer>;

export interface ReplicatedLogOptions {
  /** The client of the API, or of tables (`tableClient` with `replicas`). Give it or `tables`. */
  readonly client?: TenureClient;
  /**
   * Direct mode: the tables of the leases and of the replicas. This process is the coordinator of the logs that it
   * writes; no API is needed, see docs/direct.md. Give it or `client`.
   */
  readonly tables?: LogTables;
  readonly group: string;
  readonly log: string;
}

export interface LogEntry {
  readonly position: number;
  readonly data: Uint8Array;
}

export interface ReadOptions {
  /** The first readable position unless given. */
  readonly from?: number | undefined;
  /** Inclusive; the last settled position unless given. */
  readonly to?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

export interface TailOptions {
  readonly from?: number | undefined;
  /** Ends the tail. */
  readonly signal?: AbortSignal | undefined;
  /** How often to look for more, in ms; 500 unless given. */
  readonly pollMs?: number | undefined;
}

const pageSize = 1_000;
const timeoutMs = 29_000;

/**
 * One log of a group: ordered, durable entries on several replicas.
 *
 * @example
 * ```ts
 * import { LeaderElector, ReplicatedLog, TenureClient } from 'tenure';
 *
 * const client = new TenureClient();
 * const log = new ReplicatedLog({ client, group: 'orders', log: 'journal' });
 * const elector = new LeaderElector({
 *   client,
 *   group: 'orders',
 *   prepare: () => log.create(),
 *   lead: async (term) => {
 *     await log.writer({ term }).append(['{"paid":7}']);
 *     for await (const { position, data } of log.read()) console.log(position, data.byteLength);
 *   },
 * });
 * elector.start();
 * ```
 */
export class ReplicatedLog {
  readonly #options: ReplicatedLogOptions & { readonly client: TenureClient };

  /** @throws TypeError unless one of `client` and `tables` is given. */
  constructor(options: ReplicatedLogOptions) {
    this.#options = { ...options, client: clientOf(options) };
  }

  /** Creates the log if it is not there. With `autoInitialize: false` it takes entries only after `tenure log init`. */
  async create({ autoInitialize = true }: { autoInitialize?: boolean } = {}, call: CallOptions = {}): Promise<void> {
    await this.#options.client.call(createLog, { ...call, params: this.#params(), body: { autoInitialize } });
  }

  /** Where the log and each of its replicas stand. @throws TenureError `not_found`. */
  status(call: CallOptions = {}): Promise<LogStatus> {
    return this.#options.client.call(showLog, { ...call, params: this.#params() });
  }

  /** A writer, with the leader's term if there is one; it is elected with its first append. */
  writer(options: { term?: LeadingTerm | Leading; deadlineMs?: number } = {}): LogWriter {
    const { client, group, log } = this.#options;
    return new LogWriter({ client, group, log, ...options });
  }

  /**
   * The entries in order, page by page as they are consumed; waits for positions that are not settled yet.
   * @throws TenureError `bad_range`, `truncated` with `begin`, `past_end` with `end`, `log_not_recovered`.
   */
  async *read({ from, to, signal }: ReadOptions = {}): AsyncGenerator<LogEntry> {
    let next = from;
    do {
      const page = await this.#page({ from: next, to }, signal);
      for (const { position, data } of page.items) yield { position, data: Buffer.from(data, 'base64') };
      next = page.nextFrom;
    } while (next !== undefined);
  }

  /**
   * The entries from a position on, as they are appended, until the signal aborts. It outlives what passes: a log that
   * is being founded or recovered, an end that lies ahead, a service that cannot be reached. @throws TenureError
   * `truncated` with `begin`, and what does not pass by itself, such as `not_found`.
   */
  async *tail({ from, signal, pollMs = 500 }: TailOptions = {}): AsyncGenerator<LogEntry> {
    const { client } = this.#options;
    let next = from;
    while (!signal?.aborted) {
      try {
        for await (const entry of this.read({ from: next, signal })) {
          yield entry;
          next = entry.position + 1;
        }
      } catch (error) {
        // The request in flight ended with the signal.
        if (!signal?.aborted && !passes(error)) throw error;
      }
      await sleep(client.time, pollMs, signal);
    }
  }

  async #page({ from, to }: ReadOptions, signal: AbortSignal | undefined) {
    const { client } = this.#options;
    const query = {
      limit: pageSize,
      ...(from !== undefined && { from: String(from) }),
      ...(to !== undefined && { to: String(to) }),
    };
    const ask = () => client.call(readEntries, { params: this.#params(), query, timeoutMs, ...(signal && { signal }) });
    let page: Awaited<ReturnType<typeof ask>> | undefined;
    // Readers of the service fill a slot that stays undecided, so that it is not pending for long.
    while (!page) {
      try {
        page = await ask();
      } catch (error) {
        if (!hasCode(error, 'pending')) throw error;
        await sleep(client.time, error.retryAfterMs ?? 500, signal);
        signal?.throwIfAborted();
      }
    }
    return page;
  }

  #params() {
    const { group, log } = this.#options;
    return { group, log };
  }
}

function clientOf({ client, tables }: ReplicatedLogOptions): TenureClient {
  if (client && !tables) return client;
  if (tables && !client) return tableClient({ table: tables.leases, replicas: tables.replicas });
  throw new TypeError('A log needs a client or tables, and not both.');
}

function passes(error: unknown): boolean {
  return error instanceof TenureError && error.code !== 'truncated' && error.retryable;
}
