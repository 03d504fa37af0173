import type * as z from 'zod/mini';
import type { recover } from '../../api/operations/checkpoints.ts';
import { showJob } from '../../api/operations/jobs.ts';
import type { TenureClient } from '../tenure-client.ts';
import type { CheckpointStore } from './checkpoint-store.ts';
import { type DownloadOptions, download, downloadBytes, type Readable } from './download.ts';
import { downloadFile } from './download-file.ts';
import type { LeadingTerm } from './leading-term.ts';
import type { S3 } from './s3.ts';

type Answered = z.output<typeof recover.answer>['jobs'][number];

interface Source {
  readonly client: TenureClient;
  readonly term: LeadingTerm;
  readonly s3: S3 | undefined;
}

/**
 * A job that the leader has claimed and must continue with: its graph, its newest checkpoint, and where the next ones
 * go.
 *
 * @example
 * ```ts
 * import { JobRegistry, TenureClient, termFromEnvironment } from 'tenure';
 *
 * const registry = new JobRegistry({ client: new TenureClient(), term: termFromEnvironment() });
 * for await (const job of registry.recover()) {
 *   const graph = new TextDecoder().decode(await job.readGraph());
 *   const state = new TextDecoder().decode(await job.readCheckpoint());
 *   console.log(job.jobId, graph, state || 'no checkpoint yet');
 * }
 * ```
 */
export class RecoveredJob {
  readonly jobId: string;
  readonly metadata: unknown;
  readonly retain: number;
  readonly graph: Readable;
  readonly checkpoint: Answered['checkpoint'];
  readonly checkpoints: CheckpointStore;
  readonly #source: Source;

  constructor(source: Source, answered: Answered, checkpoints: CheckpointStore) {
    this.jobId = answered.jobId;
    this.metadata = answered.metadata;
    this.retain = answered.retain;
    this.graph = answered.graph;
    this.checkpoint = answered.checkpoint;
    this.checkpoints = checkpoints;
    this.#source = source;
  }

  /** The graph in order and in bounded memory, verified while it streams. */
  streamGraph(options: DownloadOptions = {}): AsyncGenerator<Uint8Array> {
    return download(this.graph, this.#graphOptions(options));
  }

  /** The graph in one piece. */
  readGraph(options: DownloadOptions = {}): Promise<Uint8Array> {
    return downloadBytes(this.graph, this.#graphOptions(options));
  }

  /** The graph into a file that appears once it is whole. */
  graphToFile(path: string, options: DownloadOptions = {}): Promise<void> {
    return downloadFile(this.graph, path, this.#graphOptions(options));
  }

  /** The newest checkpoint in order and in bounded memory; nothing when there is none. */
  async *streamCheckpoint(options: DownloadOptions = {}): AsyncGenerator<Uint8Array> {
    if (this.checkpoint) yield* download(this.checkpoint, this.#checkpointOptions(this.checkpoint, options));
  }

  /** The newest checkpoint in one piece; undefined when there is none. */
  async readCheckpoint(options: DownloadOptions = {}): Promise<Uint8Array | undefined> {
    if (!this.checkpoint) return undefined;
    return downloadBytes(this.checkpoint, this.#checkpointOptions(this.checkpoint, options));
  }

  /** The newest checkpoint into a file that appears once it is whole; no file when there is none. */
  async checkpointToFile(path: string, options: DownloadOptions = {}): Promise<void> {
    if (this.checkpoint) await downloadFile(this.checkpoint, path, this.#checkpointOptions(this.checkpoint, options));
  }

  #graphOptions(options: DownloadOptions): DownloadOptions {
    const { client, term } = this.#source;
    return this.#inTerm(options, async () => {
      const { graph } = await client.call(showJob, { params: { group: term.group, job: this.jobId } });
      return { ...this.graph, ...(graph?.url !== undefined && { url: graph.url }) };
    });
  }

  #checkpointOptions({ checkpointId }: { checkpointId: number }, options: DownloadOptions): DownloadOptions {
    return this.#inTerm(options, () => this.checkpoints.get(checkpointId));
  }

  #inTerm(options: DownloadOptions, refresh: () => Promise<Readable>): DownloadOptions {
    const { client, term, s3 } = this.#source;
    return { time: client.time, s3, refresh, ...options, term };
  }
}
