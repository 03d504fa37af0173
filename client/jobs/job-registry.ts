import type * as z from 'zod/mini';
import { recover } from '../../api/operations/checkpoints.ts';
import { finishJob, listJobs, showJob, submitJob } from '../../api/operations/jobs.ts';
import type { TenureClient } from '../tenure-client.ts';
import { TenureError } from '../tenure-error.ts';
import { CheckpointStore } from './checkpoint-store.ts';
import { inTerm, type LeadingTerm } from './leading-term.ts';
import { RecoveredJob } from './recovered-job.ts';
import type { S3 } from './s3.ts';
import type { PayloadSource } from './source.ts';
import { type Progress, upload } from './upload.ts';

export type Job = z.output<typeof showJob.answer>;
export type DamagedJob = z.output<typeof recover.answer>['damaged'][number];
export type JobResult = z.input<typeof finishJob.body>['result'];

export interface JobRegistryOptions {
  readonly client: TenureClient;
  /** The term in which this process leads: the elector's, or `termFromEnvironment()` below `tenure lead`. */
  readonly term: LeadingTerm;
  readonly s3?: S3;
}

export interface SubmitOptions {
  /** Checkpoints that are kept, 1 to 32; 1 unless given. */
  readonly retain?: number;
  /** At most 160 bytes of JSON. */
  readonly metadata?: Record<string, unknown>;
  readonly signal?: AbortSignal;
  readonly onProgress?: (progress: Progress) => void;
}

export interface RecoverOptions {
  /** What to do with a job whose newest checkpoint is damaged: leave it out (`fail`), or take the next older intact one. */
  readonly onDamaged?: 'fail' | 'fallback';
  /** Drops all checkpoints but the one that was taken. */
  readonly discardOlder?: boolean;
  /**
   * Told of every damaged job, with `fellBackTo` when an older checkpoint was taken. Without it the jobs that were left out are thrown as
   * one error, after all others.
   */
  readonly onDamage?: (damaged: DamagedJob) => void;
}

/**
 * The jobs of the group that this process leads. Every call carries the term; when the service refuses it, the term ends, its signal stops the
 * work, and LeadershipLost is thrown.
 */
export class JobRegistry {
  readonly #options: JobRegistryOptions;

  constructor(options: JobRegistryOptions) {
    this.#options = options;
  }

  /**
   * Submits a job: once this resolves, whoever leads next recovers it, until it is finished. The same id again replaces the graph.
   * Answers its checkpoints.
   */
  async submit(jobId: string, graph: PayloadSource, options: SubmitOptions = {}): Promise<CheckpointStore> {
    const { client, term, s3 } = this.#options;
    const { retain, metadata, ...rest } = options;
    const { uploadId, sha256, bytes, parts } = await upload(
      { ...rest, client, term, jobId, purpose: 'graph', s3 },
      graph,
    );
    const body = {
      graph: { uploadId, sha256, bytes, ...(parts && { parts }) },
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
   * Claims every job that must go on, in order of their ids, page by page as they are consumed. To be consumed to the end before the leader is
   * confirmed: a job that was not claimed can still be written to by the leader before.
   * @throws LeadershipLost; TenureError `jobs_damaged` at the end, when damaged jobs were left out and no `onDamage` is given.
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

  /** Records the result: the job is recovered by no leader any more. The same result again is no error. */
  async finish(jobId: string, result: JobResult, detail?: string): Promise<void> {
    const { client, term } = this.#options;
    const params = { group: term.group, job: jobId };
    const body = { result, ...(detail !== undefined && { detail }) };
    await inTerm(term, (signal) => client.call(finishJob, { params, fence: term, signal, body }));
  }

  /** Every job of the group, finished ones too while their result is kept. */
  list(): AsyncGenerator<Job> {
    return this.#options.client.items<Job>(listJobs, { params: { group: this.#options.term.group } });
  }

  /** @throws TenureError `not_found`. */
  show(jobId: string): Promise<Job> {
    return this.#options.client.call(showJob, { params: { group: this.#options.term.group, job: jobId } });
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
