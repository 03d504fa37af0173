import type * as z from 'zod/mini';
import {
  commitCheckpoint,
  discardCheckpoint,
  discardCheckpoints,
  discardSavepoint,
  latestCheckpoint,
  listCheckpoints,
  reserveCheckpoint,
  showCheckpoint,
} from '../../api/operations/checkpoints.ts';
import { linkedController } from '../linked-controller.ts';
import type { CallOptions } from '../request.ts';
import { SerialQueue } from '../serial-queue.ts';
import type { TenureClient } from '../tenure-client.ts';
import { hasCode } from '../tenure-error.ts';
import { unlessAborted } from '../transport.ts';
import { type DownloadOptions, download } from './download.ts';
import { downloadFile } from './download-file.ts';
import { inTerm, type Leading, type LeadingTerm, presentTerm } from './leading-term.ts';
import type { S3 } from './s3.ts';
import type { PayloadSource } from './source.ts';
import { type Progress, upload } from './upload.ts';

export type Checkpoint = z.output<typeof showCheckpoint.answer>;
export type Committed = z.output<typeof commitCheckpoint.answer>;

export interface AddOptions {
  /** At most 160 bytes of JSON. */
  readonly metadata?: Record<string, unknown> | undefined;
  /** Ends the upload, and the wait for the turn of its commit; what has arrived is collected later. */
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((progress: Progress) => void) | undefined;
  /**
   * The id that it gets: reserved before, or of the application's own counting. It must be above every committed one.
   */
  readonly checkpointId?: number | undefined;
}

export interface CheckpointStoreOptions {
  readonly client: TenureClient;
  /** The term in which this process leads, or an elector for its present one. */
  readonly term: LeadingTerm | Leading;
  readonly jobId: string;
  /** The id of the next commit, where it is known: from the recovery, or 1 for a new job. */
  readonly nextCheckpointId?: number | undefined;
  readonly s3?: S3 | undefined;
  /**
   * Payloads of up to so many bytes go within the request that commits them; 65,536 unless given, which is the most.
   */
  readonly inlineUpTo?: number | undefined;
}

/** Putting the parts of a large upload together takes S3 its time. */
const commitTimeoutMs = 29_000;
const commitDeadlineMs = 180_000;

/**
 * The checkpoints of one job of the leader. Every call carries the term; when the service refuses it, the term ends,
 * its signal stops the work, and LeadershipLostError is thrown.
 *
 * @example
 * ```ts
 * import { JobRegistry, TenureClient, termFromEnvironment } from 'tenure';
 *
 * const registry = new JobRegistry({ client: new TenureClient(), term: termFromEnvironment() });
 * const checkpoints = await registry.submit('count', '{}', { retain: 3 });
 * const { checkpointId } = await checkpoints.add('state after 100 lines');
 * console.log(`the next leader recovers checkpoint ${checkpointId}`);
 * ```
 */
export class CheckpointStore {
  readonly jobId: string;
  readonly #options: CheckpointStoreOptions & { readonly term: LeadingTerm };
  #next: number | undefined;
  /** Settles once all checkpoints that were added have been committed, or have failed. */
  #checkpoints: Promise<void> = Promise.resolve();
  /** Each commit expects the id after that of the one before, whatever its kind. */
  readonly #commits = new SerialQueue();

  constructor(options: CheckpointStoreOptions) {
    this.#options = { ...options, term: presentTerm(options.term) };
    this.jobId = options.jobId;
    this.#next = options.nextCheckpointId;
  }

  /**
   * Uploads a checkpoint and commits it; the oldest beyond the job's retention is dropped with that. When it resolves,
   * the next leader recovers this state or a newer one. Uploads may run at the same time; checkpoints are committed in
   * the order of the calls, so that a later state is never replaced by an earlier one whose upload takes longer. A
   * checkpoint waits for no savepoint's upload.
   * @throws LeadershipLostError, TenureError (`unexpected_checkpoint` when somebody else commits to the job in this
   *   term).
   */
  add(source: PayloadSource, options: AddOptions = {}): Promise<Committed> {
    const earlier = this.#checkpoints;
    const adding = this.#addAfter(earlier, 'checkpoint', source, options);
    // One that fails may do so before its turn: the next one still waits for those before it.
    this.#checkpoints = adding.then(
      () => {},
      () => earlier,
    );
    return adding;
  }

  /**
   * The same for a savepoint, which is kept until it is discarded by its id. It replaces nothing, so that it is
   * committed once it has been uploaded, whatever else is being uploaded.
   */
  addSavepoint(source: PayloadSource, options: AddOptions = {}): Promise<Committed> {
    return this.#addAfter(Promise.resolve(), 'savepoint', source, options);
  }

  /** The newest checkpoint, or undefined when there is none. */
  async latest(call: CallOptions = {}): Promise<Checkpoint | undefined> {
    try {
      return await this.#options.client.call(latestCheckpoint, { ...call, params: this.#params() });
    } catch (error) {
      if (hasCode(error, 'not_found')) return undefined;
      throw error;
    }
  }

  /**
   * Reserves a checkpoint id that nobody else gets, for an application that names files after it; none below `atLeast`.
   * @throws LeadershipLostError
   */
  async reserve({ atLeast }: { readonly atLeast?: number } = {}, call: CallOptions = {}): Promise<number> {
    const { client, term } = this.#options;
    const reserved = async (signal: AbortSignal) => {
      // Whichever commit comes next, the service gives it another id than was expected.
      this.#next = undefined;
      const { checkpointId } = await client.call(reserveCheckpoint, {
        ...call,
        params: this.#params(),
        fence: term,
        signal,
        body: atLeast === undefined ? {} : { atLeast },
      });
      return checkpointId;
    };
    return inTerm(term, reserved, call.signal);
  }

  /** The checkpoints and savepoints that are kept, newest last. */
  async list(call: CallOptions = {}): Promise<Checkpoint[]> {
    const items = this.#options.client.items<Checkpoint>(listCheckpoints, { ...call, params: this.#params() });
    const found: Checkpoint[] = [];
    for await (const item of items) found.push(item);
    return found;
  }

  /** One checkpoint or savepoint by its id. @throws TenureError `not_found`. */
  get(checkpointId: number, call: CallOptions = {}): Promise<Checkpoint> {
    const params = { ...this.#params(), checkpoint: checkpointId };
    return this.#options.client.call(showCheckpoint, { ...call, params });
  }

  /** The bytes, verified while they stream; the end of the term ends it. */
  read(checkpoint: Checkpoint, options: DownloadOptions = {}): AsyncGenerator<Uint8Array> {
    return download(checkpoint, this.#withRefresh(checkpoint, options));
  }

  /**
   * The bytes into a file that appears once they are verified on disk. @throws TenureError; then nothing is left
   * behind.
   */
  readToFile(checkpoint: Checkpoint, path: string, options: DownloadOptions = {}): Promise<void> {
    return downloadFile(checkpoint, path, this.#withRefresh(checkpoint, options));
  }

  /** Discards all checkpoints, not the savepoints; returns how many. */
  async discardAll(call: CallOptions = {}): Promise<number> {
    const { client, term } = this.#options;
    const params = this.#params();
    const discard = (signal: AbortSignal) => client.call(discardCheckpoints, { ...call, params, fence: term, signal });
    return (await inTerm(term, discard, call.signal)).discarded;
  }

  /**
   * Discards one checkpoint, or a savepoint; one that is gone already is no error. The newest checkpoint only with
   * `force`.
   */
  async discard(
    checkpointId: number,
    { force = false }: { readonly force?: boolean } = {},
    call: CallOptions = {},
  ): Promise<void> {
    const { client, term } = this.#options;
    const request = { params: { ...this.#params(), checkpoint: checkpointId }, query: { force: `${force}` as const } };
    const discard = (signal: AbortSignal) =>
      client.call(discardCheckpoint, { ...call, ...request, fence: term, signal });
    await inTerm(term, discard, call.signal).catch(unlessGone);
  }

  /** Discards a savepoint; one that is gone already is no error. */
  async discardSavepoint(checkpointId: number, call: CallOptions = {}): Promise<void> {
    const { client, term } = this.#options;
    const params = { ...this.#params(), savepoint: checkpointId };
    const discard = (signal: AbortSignal) => client.call(discardSavepoint, { ...call, params, fence: term, signal });
    await inTerm(term, discard, call.signal).catch(unlessGone);
  }

  async #addAfter(
    earlier: Promise<void>,
    kind: 'checkpoint' | 'savepoint',
    source: PayloadSource,
    options: AddOptions,
  ): Promise<Committed> {
    const { client, term, jobId, s3, inlineUpTo } = this.#options;
    const { metadata, checkpointId, ...rest } = options;
    const { controller, unlink } = linkedController(term.signal, options.signal);
    const { signal } = controller;
    try {
      const uploaded = await upload({ ...rest, client, term, jobId, purpose: kind, s3, inlineUpTo }, source);
      await unlessAborted(signal, earlier);
      return await this.#commits.run(signal, () =>
        this.#commit({
          ...uploaded,
          kind,
          ...(metadata && { metadata: metadata as never }),
          ...(checkpointId !== undefined && { checkpointId }),
        }),
      );
    } finally {
      unlink();
    }
  }

  async #commit(body: z.input<typeof commitCheckpoint.body>): Promise<Committed> {
    const { client, term } = this.#options;
    const expected = body.checkpointId === undefined ? this.#next : undefined;
    // Unless the service says so, it is not known what became of a commit that failed.
    this.#next = undefined;
    try {
      const committed = await inTerm(term, (signal) =>
        client.call(commitCheckpoint, {
          params: this.#params(),
          fence: term,
          signal,
          body: { ...body, ...(expected !== undefined && { expectedCheckpointId: expected }) },
          timeoutMs: commitTimeoutMs,
          deadlineMs: commitDeadlineMs,
        }),
      );
      // A reserved id may be below what the service gives next.
      this.#next = body.checkpointId === undefined ? committed.checkpointId + 1 : undefined;
      return committed;
    } catch (error) {
      if (hasCode(error, 'payload_missing', 'payload_mismatch', 'upload_expired')) this.#next = expected;
      throw error;
    }
  }

  #params() {
    return { group: this.#options.term.group, job: this.jobId };
  }

  #withRefresh({ checkpointId }: Checkpoint, options: DownloadOptions): DownloadOptions {
    const { client, term, s3 } = this.#options;
    const refresh = () => this.get(checkpointId);
    return { time: client.time, s3, refresh, ...options, term };
  }
}

function unlessGone(error: unknown): void {
  if (!hasCode(error, 'not_found')) throw error;
}
