import { v7 } from 'uuid';
import type { Fence } from '../../../../api/fence.ts';
import { isDamaged, type Job } from '../../../../functions/jobs/job.ts';
import { payloadKey } from '../../../../functions/jobs/payloads/upload.ts';
import type { Fault } from '../../../support/faults.ts';
import { type Answer, type JobWorld, type Process, sha256 } from '../../../support/job-world.ts';

/** Where a process is hurt: at its n-th request to the stores, counted over both. */
export interface Mishap {
  readonly at: number;
  readonly fault: Fault;
}

/** Whose term it is: 0 the running one, 1 the one before, and so on. */
export type Age = 0 | 1 | 2;

export interface Known {
  readonly uploadId: string;
  readonly content: string;
  readonly kind: 'checkpoint' | 'savepoint';
}

/** The group on which one sequence of commands plays, and what its clients know. */
export class Stage {
  readonly fences: Fence[] = [];
  /** Uploads that a client has sent to be committed, whatever became of it: any of them may be sent again. */
  readonly uploads = new Map<string, Known[]>();
  /** The content of every upload. */
  readonly contents = new Map<string, string>();
  /** Payloads that a backup has recorded and not copied yet. */
  readonly recorded = new Set<string>();
  held: string | undefined;
  /** The key of the last discard of a job's checkpoints that was acknowledged. */
  readonly discards = new Map<string, string>();
  private serial = 0;

  constructor(
    readonly world: JobWorld,
    readonly group: string,
    /** Sees everything and is never hurt. */
    readonly observer: Process,
  ) {}

  async elect(): Promise<void> {
    this.fences.unshift(await this.world.lead(this.group));
  }

  fence(age: Age): Fence {
    const fence = this.fences[Math.min(age, this.fences.length - 1)];
    if (!fence) throw new Error('nobody was elected');
    return fence;
  }

  path(jobId: string): string {
    return `/groups/${this.group}/jobs/${jobId}`;
  }

  /** A process for one operation, that the mishap befalls. */
  process(mishap?: Mishap): Process {
    const process = this.world.process();
    let requests = 0;
    const plan = (): Fault | undefined => {
      requests += 1;
      return mishap && requests === mishap.at ? mishap.fault : undefined;
    };
    process.dynamodb.plan = plan;
    process.s3.plan = plan;
    return process;
  }

  /** Uploads bytes that no other upload has. */
  async upload(jobId: string, kind: Known['kind']): Promise<Known> {
    this.serial += 1;
    const content = `${kind} ${this.serial} of ${jobId}`;
    const uploadId = v7({ msecs: this.world.clock.now() });
    const { payloads } = this.observer.room;
    await payloads.put(payloadKey(this.group, jobId, uploadId), Buffer.from(content), sha256(content));
    const known = { uploadId, content, kind };
    this.contents.set(uploadId, content);
    this.uploads.set(jobId, [...(this.uploads.get(jobId) ?? []), known]);
    return known;
  }

  commit(process: Process, jobId: string, { uploadId, kind }: Known, fence: Fence): Promise<Answer> {
    return process.call('POST', `${this.path(jobId)}/checkpoints`, { uploadId, kind }, fence);
  }

  async observe(jobId: string): Promise<Job | undefined> {
    const record = await this.observer.room.jobs.read({ group: this.group, jobId });
    if (record && isDamaged(record)) throw new Error(`The job is damaged: ${record.damage}`);
    return record;
  }

  /** The bucket's objects, with digests. */
  async objects(): Promise<Map<string, { bytes: number; checksum?: string | undefined }>> {
    const { payloads } = this.observer.room;
    const { items } = await payloads.list(`groups/${this.group}/`, undefined);
    const found = new Map<string, { bytes: number; checksum?: string | undefined }>();
    await Promise.all(
      items.map(async ({ key }) => {
        const stored = await payloads.stat(key);
        if (stored) found.set(key, stored);
      }),
    );
    return found;
  }
}

export const checksumOf = (content: string) => Buffer.from(sha256(content), 'hex').toString('base64');
