/** The jobs of one group in memory, with the conditions of the table applied at once. */
import type { Job, JobRecord } from '../../../functions/jobs/job.ts';
import type { Page } from '../../../functions/jobs/job-store.ts';
import type { HeldDeletes } from '../../../functions/jobs/payloads/held-deletes.ts';
import type { StateLock } from '../../../functions/jobs/state-locks.ts';

/** Short, so that a pass over all jobs takes many requests. */
const pageSize = 2;

export type Written = 'written' | 'held back' | 'missing';

export class MemoryGroup {
  readonly jobs = new Map<string, Job>();
  readonly locks = new Map<string, StateLock>();
  submissions: StateLock | undefined;
  holder: string | undefined;
  /** Which commit became which checkpoint, also where its answer was lost. */
  readonly commits = new Map<string, { readonly jobId: string; readonly checkpointId: number }>();

  list(after: string | undefined): Page<JobRecord> {
    const ids = [...this.jobs.keys()].sort().filter((id) => after === undefined || id > after);
    const items = ids.slice(0, pageSize).map((id) => this.jobs.get(id) as Job);
    return { items, last: ids.length > pageSize ? items.at(-1)?.jobId : undefined };
  }

  submit(group: string, jobId: string, now: number): Written {
    if (this.jobs.has(jobId)) return 'written';
    if (this.isLocked(this.submissions, now)) return 'held back';
    this.submissions = undefined;
    const record = { group, jobId, state: 'ACTIVE', fence: 1, retain: 1, checkpoints: [], savepoints: [] } as const;
    this.jobs.set(jobId, { ...record, commits: [], nextCheckpointId: 1, submittedAt: 1, requestId: jobId });
    return 'written';
  }

  commit(jobId: string, payloadId: string, now: number): Written {
    const job = this.jobs.get(jobId);
    if (!job) return 'missing';
    if (this.commits.has(payloadId)) return 'written';
    if (this.isLocked(this.locks.get(jobId), now)) return 'held back';
    this.locks.delete(jobId);
    const checkpointId = job.nextCheckpointId;
    const ref = { payloadId, checkpointId, bytes: 1, sha256: 'a'.repeat(64), committedAt: 1 };
    const commits = [{ payloadId, checkpointId }, ...job.commits].slice(0, 9);
    this.jobs.set(jobId, { ...job, checkpoints: [ref], commits, nextCheckpointId: checkpointId + 1 });
    this.commits.set(payloadId, { jobId, checkpointId });
    return 'written';
  }

  /** The methods of the ports, answered synchronously. */
  hold(backupId: string): boolean {
    if (this.holder !== undefined && this.holder !== backupId) return false;
    this.holder = backupId;
    return true;
  }

  holdJob(jobId: string, backupId: string): JobRecord | undefined {
    const job = this.jobs.get(jobId);
    if (job && (job.heldBy === undefined || job.heldBy === backupId))
      this.jobs.set(jobId, { ...job, heldBy: backupId });
    return this.jobs.get(jobId);
  }

  releaseJob(jobId: string, backupId: string): void {
    const job = this.jobs.get(jobId);
    if (job?.heldBy !== backupId) return;
    this.jobs.set(jobId, { ...job, heldBy: undefined });
    this.locks.delete(jobId);
  }

  heldJobs(backupId: string): Awaited<ReturnType<HeldDeletes['listHeldJobs']>> {
    return { items: [...this.jobs.values()].filter(({ heldBy }) => heldBy === backupId).map(({ jobId }) => jobId) };
  }

  private isLocked(lock: StateLock | undefined, now: number): boolean {
    return lock !== undefined && now - lock.at <= lock.forMs;
  }
}
