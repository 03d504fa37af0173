import type { Fence } from '../../api/fence.ts';
import type { LeadershipRecord } from '../../leadership/lease.ts';
import type { Job, JobName, JobRecord, Payload, Result } from './job.ts';

/**
 * A conditional write either took effect and shows the new record, or lost and shows the record that won (none: there
 * is none).
 */
export type JobWrite =
  | { readonly won: JobRecord; readonly lost?: never }
  | { readonly won?: never; readonly lost: JobRecord | undefined };

/**
 * A submission loses to a job that exists, to a term that has ended (with the leadership that was found), to the number
 * of jobs that the group has already, or to several of them.
 */
export type Submission =
  | { readonly won: Job }
  | {
      readonly won?: never;
      readonly present: JobRecord | undefined;
      readonly ended?: { readonly leadership: LeadershipRecord | undefined } | undefined;
      readonly jobs?: number | undefined;
    };

export interface Page<Item> {
  readonly items: Item[];
  /** The last sort key read, where the next page continues; none after the last page. */
  readonly last?: string | undefined;
}

/** The members that change when a leader submits an active job again. */
export interface Replacement {
  readonly graph: Payload;
  readonly retain?: number | undefined;
  readonly metadata?: unknown;
  readonly requestId: string;
}

/** The port to the registry: every method is one request; every write is conditional and never half done. */
export interface JobStore {
  read(name: JobName): Promise<JobRecord | undefined>;
  /** In order of the ids, strongly consistent. */
  list(group: string, after: string | undefined, limit: number): Promise<Page<JobRecord>>;
  /**
   * A new job, unless the group has so many; together with the condition that the fence is that of the running term.
   * Sent once: `timely` tries again.
   */
  submit(job: Job, fence: Fence, now: number, most: number): Promise<Submission>;
  /** Conditioned on the record being as it was seen. */
  replace(seen: Job, version: number, replacement: Replacement): Promise<JobWrite>;
  /** ACTIVE → FINISHED, unless a newer term has touched the job. */
  finish(name: JobName, version: number, result: Result, cleanUp: 'held' | undefined): Promise<JobWrite>;
}
