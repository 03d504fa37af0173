import { randomUUID } from 'node:crypto';
import type * as z from 'zod/mini';
import { appendEntries, electWriter, truncateLog } from '../../api/operations/log.ts';
import { inTerm, type Leading, type LeadingTerm, presentTerm } from '../jobs/leading-term.ts';
import { LeadershipLostError } from '../leadership/loss.ts';
import { linkedController } from '../linked-controller.ts';
import type { CallOptions } from '../request.ts';
import { SerialQueue } from '../serial-queue.ts';
import type { TenureClient } from '../tenure-client.ts';
import { hasCode, type TenureError } from '../tenure-error.ts';
import { sleep } from '../time.ts';
import { AppendGroup } from './append-group.ts';

export type Elected = z.output<typeof electWriter.answer>;
export type Placed = z.output<typeof appendEntries.answer>;

export interface LogWriterOptions {
  readonly client: TenureClient;
  readonly group: string;
  readonly log: string;
  /**
   * The term in which this process leads, or an elector for its present one: no older leader can append any more once
   * this writer has been elected. Without it the log belongs to the writer that was elected last.
   */
  readonly term?: LeadingTerm | Leading | undefined;
  /** Longest time for one append with everything that it takes, in ms; 30,000 unless given. */
  readonly deadlineMs?: number | undefined;
}

export interface WriteOptions {
  /** Ends the request, as the end of the term does; its reason is thrown. */
  readonly signal?: AbortSignal | undefined;
  /** Names the append, so that it can be repeated by another process; made for each one unless given. */
  readonly idempotencyKey?: string | undefined;
}

/** How one request stands with its limits. */
interface Trying {
  readonly signal: AbortSignal;
  readonly endsAt: number;
  /** Whether some of it may be in the log. */
  sent: boolean;
}

interface WriterRequest extends CallOptions {
  readonly params: { group: string; log: string };
  readonly headers: { 'Log-Writer': string };
}

const longestTryMs = 29_000;
const pauseMs = 200;

/** Codes of an unknown outcome: the same request after another election tells whether the entries are in the log. */
const unknown = ['outcome_unknown', 'unavailable', 'unreachable', 'internal'] as const;
/** Whether the entries of an append that failed so may be in the log, or come into it. */
export const mayBeInTheLog = (error: unknown): boolean => hasCode(error, ...unknown);

/** Codes of transient failures that say nothing about who writes: nothing of the try was sent. */
const passing = ['state_locked', 'log_not_recovered', 'throttled'] as const;

/**
 * Writes to one log, one request after the other. It is elected with its first append, and again where it must not be
 * known otherwise what became of one; each append is in the log once.
 *
 * @example
 * ```ts
 * import { hasCode, ReplicatedLog, TenureClient, termFromEnvironment } from 'tenure';
 *
 * const log = new ReplicatedLog({ client: new TenureClient(), group: 'orders', log: 'journal' });
 * const writer = log.writer({ term: termFromEnvironment() });
 * const idempotencyKey = 'payment-7';
 * try {
 *   await writer.append(['{"paid":7}'], { idempotencyKey });
 * } catch (error) {
 *   if (!hasCode(error, 'outcome_unknown')) throw error;
 *   // The same key finds out what became of it: the entry is in the log once.
 *   await writer.append(['{"paid":7}'], { idempotencyKey });
 * }
 * ```
 */
export class LogWriter {
  readonly #options: LogWriterOptions & { readonly term?: LeadingTerm | undefined };
  #elected: Elected | undefined;
  readonly #turns = new SerialQueue();
  /** The appends that share the last request of the queue, as long as it has not begun. */
  #group: AppendGroup | undefined;

  constructor(options: LogWriterOptions) {
    this.#options = { ...options, term: options.term && presentTerm(options.term) };
  }

  /** The ballot and position of the last election, while it stands as far as this writer knows. */
  get elected(): Elected | undefined {
    return this.#elected;
  }

  /**
   * Takes the log over now. Returns its last position.
   * @throws LeadershipLostError; the signal's reason; TenureError `election_lost`, `log_not_recovered`,
   *   `rounds_exhausted`.
   */
  elect(options: WriteOptions = {}): Promise<Elected> {
    this.#group = undefined;
    return this.#inTurn(options, (trying) => this.#elect(trying));
  }

  /**
   * Appends entries at consecutive positions: 1 to 64, 256 KiB together, all or none. When it resolves they are
   * kept by a quorum of the replicas, once and in order. Calls without a key and a signal that are made while a request
   * is under way share the next one.
   * @throws TenureError `exclusivity_lost`, `not_elected` and `election_lost` (not in the log: this writer lost it
   *   twice; the next append takes it back unless a newer term owns it), `outcome_unknown` or why no answer came
   * (deadline). LeadershipLostError and the signal's reason end it at once, also while it waits for its turn: then it
   * is never sent. After these and the deadline the entries of one that was sent may be in the log or come into it: the
   * same with the same idempotencyKey tells what became of them.
   */
  append(entries: readonly (Uint8Array | string)[], options: WriteOptions = {}): Promise<Placed> {
    const bytes = entries.map((entry) => Buffer.from(entry as string));
    const { idempotencyKey, signal } = options;
    // An append with a request id or a signal has a request of its own.
    if (idempotencyKey !== undefined || signal !== undefined) return this.#append(bytes, options);
    if (this.#group?.fits(bytes)) return this.#group.join(bytes);
    return this.#openGroup(bytes);
  }

  /** Those that are called before its turn has come join it. */
  #openGroup(entries: readonly Uint8Array[]): Promise<Placed> {
    const group = new AppendGroup();
    const placed = group.join(entries);
    const begin = () => {
      if (this.#group === group) this.#group = undefined;
      return { entries: group.entries.map((entry) => Buffer.from(entry).toString('base64')) };
    };
    let body: { entries: string[] } | undefined;
    this.#write({}, (request) => {
      body ??= begin();
      return this.#options.client.call(appendEntries, { ...request, body });
    }).then(
      (answer) => group.placed(answer),
      (error: unknown) => {
        if (this.#group === group) this.#group = undefined;
        group.failed(error);
      },
    );
    this.#group = group;
    return placed;
  }

  #append(entries: readonly Uint8Array[], options: WriteOptions): Promise<Placed> {
    const body = { entries: entries.map((entry) => Buffer.from(entry).toString('base64')) };
    return this.#write(options, (request) => this.#options.client.call(appendEntries, { ...request, body }));
  }

  /**
   * Makes the positions below `to` unreadable; returns where the truncation stands. The same errors, `bad_range`,
   * `truncation_held`.
   */
  truncate(to: number, options: WriteOptions = {}): Promise<{ position: number }> {
    return this.#write(options, (request) => this.#options.client.call(truncateLog, { ...request, body: { to } }));
  }

  #write<Answer>(options: WriteOptions, send: (request: WriterRequest) => Promise<Answer>): Promise<Answer> {
    // Later calls come after it.
    this.#group = undefined;
    const { idempotencyKey = randomUUID() } = options;
    return this.#inTurn(options, async (trying) => {
      const { writerId } = this.#elected ?? (await this.#elect(trying));
      trying.sent = true;
      return send({ ...this.#try(trying), headers: { 'Log-Writer': writerId }, idempotencyKey });
    });
  }

  async #inTurn<Answer>(options: WriteOptions, act: (trying: Trying) => Promise<Answer>): Promise<Answer> {
    const { controller, unlink } = linkedController(this.#options.term?.signal, options.signal);
    const { signal } = controller;
    try {
      return await this.#turns.run(signal, () => this.#patiently(signal, act));
    } finally {
      unlink();
    }
  }

  /**
   * Tries until it is known what became of it, or the deadline has passed; then the last error that tells is thrown.
   */
  async #patiently<Answer>(signal: AbortSignal, act: (trying: Trying) => Promise<Answer>): Promise<Answer> {
    const { client, term, deadlineMs = 30_000 } = this.#options;
    const trying: Trying = { signal, endsAt: client.time.monotonic() + deadlineMs, sent: false };
    let unsettled: unknown;
    let last: unknown;
    let newest: unknown;
    let displaced = 0;
    let wait = 0;
    for (let tries = 0; tries === 0 || client.time.monotonic() + wait < trying.endsAt; tries += 1) {
      if (tries > 0) await sleep(client.time, wait, signal);
      signal.throwIfAborted();
      try {
        return await act(trying);
      } catch (error) {
        if (trying.sent && hasCode(error, ...unknown)) unsettled = error;
        const isClosed = isNotInTheLog(error);
        if (isClosed && !this.#isWithoutRival(error)) displaced += 1;
        // A slot that a slow recovery or a fill gave up looks like a rival, so that one loss is none yet; a newer term
        // loses the election itself.
        const retaken = isClosed && (displaced <= 1 || term !== undefined || unsettled !== undefined);
        const again = this.#mayRetry(error) || retaken;
        const pause = (hasCode(error, ...unknown, ...passing, 'election_lost') && error.retryAfterMs) || pauseMs;
        if (!again) throw error;
        // A try that the deadline cut short says nothing; its timer may be early.
        const cutShort = hasCode(error, 'unreachable') && client.time.monotonic() + pauseMs > trying.endsAt;
        if (!cutShort) last = error;
        // Rivals that take each other's elections drift apart.
        wait = pause * (1 + client.random() * 2 ** Math.min(tries, 6));
        newest = error;
      }
    }
    throw unsettled ?? last ?? newest;
  }

  /** A change of the members, or a recovered replica, closes a writer though nobody else was elected. */
  #isWithoutRival(error: TenureError): boolean {
    const { ballot, closed } = error.members;
    return closed === true || (this.#elected !== undefined && ballot === this.#elected.ballot);
  }

  /** Forgets an election that does not stand any more; returns whether the same request may succeed now. */
  #mayRetry(error: unknown): boolean {
    const { term } = this.#options;
    if (hasCode(error, ...passing)) return true;
    this.#elected = undefined;
    if (hasCode(error, ...unknown)) return true;
    if (hasCode(error, 'election_lost') && !error.retryable && term) {
      const loss = { reason: 'superseded' as const, detail: error.message };
      term.end(loss);
      throw new LeadershipLostError(loss);
    }
    return hasCode(error, 'election_lost') && error.retryable;
  }

  async #elect(trying: Trying): Promise<Elected> {
    const { client, term } = this.#options;
    const request = this.#try(trying);
    this.#elected = term
      ? await inTerm(term, () => client.call(electWriter, { ...request, fence: term }))
      : await client.call(electWriter, request);
    return this.#elected;
  }

  /** One try, which has what is left of the deadline. */
  #try({ signal, endsAt }: Trying) {
    const { client, group, log } = this.#options;
    const timeoutMs = Math.max(1, Math.min(longestTryMs, endsAt - client.time.monotonic()));
    return { params: { group, log }, retry: false, timeoutMs, signal };
  }
}

/** The request was not placed, or its positions went to another. */
function isNotInTheLog(error: unknown): error is TenureError {
  return hasCode(error, 'not_elected', 'exclusivity_lost');
}
