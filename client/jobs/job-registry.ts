import type * as z from 'zod/mini';
import { cleanJob, recover } from '../../api/operations/checkpoints.ts';
import { finishJob, listJobs, showJob, submitJob } from '../../api/operations/jobs.ts';
import type { CallOptions } from '../request.ts';
import type { TenureClient } from '../tenure-client.ts';
import { TenureError } from '../tenure-error.ts';
import { CheckpointStore } from './checkpoint-store.ts';
import { inTerm, type Leading, type LeadingTerm, presentTerm } from './leading-term.ts';
import { RecoveredJob } from './recovered-job.ts';
import type { S3 } from './s3.ts';
import type { PayloadSource } from './source.ts';
import { type Progress, upload } from './upload.ts';

export type Job = z.output<typeof showJob.answer>;
/** A job in a list: one whose record cannot be read has the state DAMAGED and says why. */
export type ListedJob = z.output<typeof listJobs.answer>['items'][number];
export type ListedState = NonNullable<z.input<typeof listJobs.query>['state']>;
export type DamagedJob = z.output<typeof recover.answer>['damaged'][number];
export type JobResult = z.input<typeof finishJob.body>['result'];

export interface JobRegistryOptions {
  readonly client: TenureClient;
  /**
   * The term in which this process leads, an elector for its present one, or `termFromEnvironment()` below `tenure
   * lead`.
   */
  readonly term: LeadingTerm | Leading;
  readonly s3?: S3;
  /**
   * Payloads of up to so many bytes go within the request that commits them; 65,536 unless given, which is the most.
   */
  readonly inlineUpTo?: number;
}

export interface SubmitOptions {
  /** Checkpoints that are kept, 1 to 256; 1 unless given. */
  readonly retain?: number;
  /** At most 160 bytes of JSON. */
  readonly metadata?: Record<string, unknown>;
  readonly signal?: AbortSignal;
  readonly onProgress?: (progress: Progress) => void;
}

export interface FinishOptions {
  /** At most 1,024 characters. */
  readonly detail?: string;
  /** Keeps the references until `clean`: for an application that deletes the files which its checkpoints name. */
  readonly cleanUp?: 'held';
}

export interface RecoverOptions {
  /** Handling of a job whose newest checkpoint is damaged: leave it out (`fail`), or take the next older intact one. */
  readonly onDamaged?: 'fail' | 'fallback';
  /** Drops all checkpoints but the one that was taken. */
  readonly discardOlder?: boolean;
  /**
   * Told of every damaged job, with `fellBackTo` when an older checkpoint was taken. Without it the jobs that were left
   * out are thrown as one error, after all others.
   */
  readonly onDamage?: (damaged: DamagedJob) => void;
}

/**
 * The jobs of the group that this process leads. Every call carries the term; when the service refuses it, the term
 * ends, its signal stops the work, and LeadershipLostError is thrown.
 *
 * @example
 * ```ts
 * import { JobRegistry, LeaderElector, TenureClient } from 'tenure';
 *
 * const client = new TenureClient();
 * const elector = new LeaderElector({
 *   client,
 *   group: 'orders',
 *   lead: async (term) => {
 *     const registry = new JobRegistry({ client, term });
 *     for await (const job of registry.recover()) console.log(job.jobId, job.checkpoint?.checkpointId);
 *     const checkpoints = await registry.submit('count', JSON.stringify({ steps: 3 }));
 *     await checkpoints.add('first state');
 *     await registry.finish('count', 'succeeded');
 *   },
 * });
 * elector.start();
 * ```
 */
export class JobRegistry {
  readonly #options: JobRegistryOptions & { readonly term: LeadingTerm };

  constructor(options: JobRegistryOptions) {
    this.#options = { ...options, term: presentTerm(options.term) };
  }

  /**
   * Submits a job: once this resolves, each next leader recovers it, until it is finished. The same id again replaces
   * the graph. Returns its checkpoints.
   */
  async submit(jobId: string, graph: PayloadSource, options: SubmitOptions = {}): Promise<CheckpointStore> {
    const { client, term, s3, inlineUpTo } = this.#options;
    const { retain, metadata, ...rest } = options;
    const uploaded = await upload({ ...rest, client, term, jobId, purpose: 'graph', s3, inlineUpTo }, graph);
    const body = {
      graph: uploaded,
      ...(retain !== undefined && { retain }),
      ...(metadata && { metadata: metadata as never }),
    };
    const params = { group: term.group, job: jobId };
    await inTerm(term, (signal) =>
      client.call(submitJob, { params, fence: term, signal, body, timeoutMs: 29_000, deadlineMs: 180_000 }),
    );
    return this.checkpoints(jobId);
  }

  /**
   * Claims every job that must continue, in order of their ids, page by page as they are consumed. To be consumed to
   * the end before the leader is confirmed: a job that was not claimed can still be written to by the leader before.
   * @throws LeadershipLostError; TenureError `jobs_damaged` at the end, when damaged jobs were left out and no
   *   `onDamage` is given.
   */
  async *recover(options: RecoverOptions = {}): AsyncGenerator<RecoveredJob> {
    const { client, term, s3 } = this.#options;
    const { onDamage, ...body } = options;
    const damaged: DamagedJob[] = [];
    let cursor: string | undefined;
    do {
      const page: z.output<typeof recover.answer> = await inTerm(term, (signal) =>
        client.call(recover, {
          params: { group: term.group },
          fence: term,
          signal,
          body: { ...body, ...(cursor !== undefined && { cursor }) },
          timeoutMs: 29_000,
        }),
      );
      for (const one of page.damaged) {
        if (onDamage) onDamage(one);
        else if (one.fellBackTo === undefined) damaged.push(one);
      }
      for (const job of page.jobs) {
        const checkpoints = this.checkpoints(job.jobId, job.nextCheckpointId);
        yield new RecoveredJob({ client, term, s3 }, job, checkpoints);
      }
      cursor = page.nextCursor;
    } while (cursor !== undefined);
    if (damaged.length > 0) throw jobsDamaged(term.group, damaged, options);
  }

  /**
   * Records the result: the job is recovered by no leader any more. The same result again is no error. A job that was
   * never submitted can be finished as well.
   */
  async finish(jobId: string, result: JobResult, options: FinishOptions = {}): Promise<void> {
    const { client, term } = this.#options;
    const params = { group: term.group, job: jobId };
    const { detail, cleanUp } = options;
    const body = { result, ...(detail !== undefined && { detail }), ...(cleanUp && { cleanUp }) };
    await inTerm(term, (signal) => client.call(finishJob, { params, fence: term, signal, body }));
  }

  /**
   * Acknowledges that the application has deleted what a job that was finished with `cleanUp: 'held'` referred to;
   * returns the job's state: CLEANED, or FINISHED while the service still has to delete something.
   */
  async clean(jobId: string, call: CallOptions = {}): Promise<Job['state']> {
    const { client, term } = this.#options;
    const params = { group: term.group, job: jobId };
    const clean = (signal: AbortSignal) => client.call(cleanJob, { ...call, params, fence: term, signal });
    return (await inTerm(term, clean, call.signal)).state;
  }

  /** Every job of the group, or those of one state; finished ones too while their result is kept. */
  list({ state }: { readonly state?: ListedState } = {}, call: CallOptions = {}): AsyncGenerator<ListedJob> {
    const params = { group: this.#options.term.group };
    const query = state === undefined ? {} : { state };
    return this.#options.client.items<ListedJob>(listJobs, { ...call, params, query });
  }

  /** @throws TenureError `not_found`. */
  show(jobId: string, call: CallOptions = {}): Promise<Job> {
    return this.#options.client.call(showJob, { ...call, params: { group: this.#options.term.group, job: jobId } });
  }

  /** The checkpoints of one job. */
  checkpoints(jobId: string, nextCheckpointId?: number): CheckpointStore {
    return new CheckpointStore({ ...this.#options, jobId, nextCheckpointId });
  }
}

function jobsDamaged(group: string, damaged: readonly DamagedJob[], { onDamaged }: RecoverOptions): TenureError {
  const said = damaged.map(({ jobId, reason }) => `"${jobId}" (${reason})`).join(', ');
  const remedy =
    onDamaged === 'fallback'
      ? 'Submit them anew, or restore a backup.'
      : "Recover with onDamaged: 'fallback', submit them anew, or restore a backup.";
  return new TenureError(`Damaged jobs of group "${group}": ${said}. ${remedy}`, {
    code: 'jobs_damaged',
    status: 0,
    retryable: false,
    members: { damaged },
    request: 'recover',
  });
}
