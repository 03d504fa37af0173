import type { NewCheckpoint, Way } from './checkpoint.ts';
import type { Job, JobName, JobRecord } from './job.ts';
import type { JobWrite, Page } from './job-store.ts';

/** A write that took effect shows the record as it was before, so that what it dropped is known. */
export type Change =
  | { readonly before: JobRecord; readonly lost?: never }
  | { readonly before?: never; readonly lost: JobRecord | undefined };

export interface Unfinished extends Page<string> {
  /** Jobs that were looked at: the finished ones as well. */
  readonly read: number;
}

/**
 * The port to the checkpoints of a job: every method is one request; every write is conditional and raises the job's
 * fence.
 */
export interface CheckpointStore {
  /**
   * Adds a reference, drops the oldest beyond the job's retention, gives out the next id: one write, without a read.
   */
  commit(name: JobName, version: number, checkpoint: NewCheckpoint, way: Exclude<Way, 'whole'>): Promise<Change>;
  /**
   * The same for a job whose lists are written as a whole, if it is as it was seen; `after` is the job with the commit.
   */
  commitWhole(seen: Job, version: number, after: Job, requestId: string): Promise<Change>;
  /** Raises the next id by one: the one before is the caller's. */
  reserve(name: JobName, version: number, requestId: string): Promise<Change>;
  /** Reserves this id and all below, if the next one is none above it. */
  reserveUpTo(name: JobName, version: number, checkpointId: number, requestId: string): Promise<Change>;
  /** Ids of the jobs that are not finished, in order, among so many jobs. */
  listUnfinished(group: string, after: string | undefined, limit: number): Promise<Unfinished>;
  /** Raises the fence of an active job to this version and shows what it refers to. */
  claim(name: JobName, version: number): Promise<JobWrite>;
  /** Drops every checkpoint but this one, if none was committed since the job was seen. */
  keepOnly(seen: Job, version: number, checkpointId: number): Promise<Change>;
  /** Drops one checkpoint, if it is still where it was seen. */
  dropOne(seen: Job, version: number, checkpointId: number): Promise<Change>;
  /** Drops every checkpoint, unless the request with this mark was the last that did. */
  discardAll(name: JobName, version: number, requestMark: string): Promise<Change>;
  /** `ttl`, epoch seconds, for a finished job that has no other savepoint. */
  removeSavepoint(name: JobName, version: number, payloadId: string, ttl: number | undefined): Promise<Change>;
  /** The application has cleaned up: from now on the service does. */
  acknowledgeCleanUp(name: JobName, version: number): Promise<JobWrite>;
}
