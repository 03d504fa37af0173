import { randomUUID } from 'node:crypto';
import type { S3Client } from '@aws-sdk/client-s3';
import type { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb';
import { inject } from 'vitest';
import type { WriterOptions } from '../../../archive/writer.ts';
import { archives } from '../../../functions/backups/attempt/archives.ts';
import { rememberServed } from '../../../functions/backups/attempt/attempts.ts';
import { type CutterParts, GroupCutter } from '../../../functions/backups/attempt/group-cut.ts';
import type { BackupRecord } from '../../../functions/backups/backup.ts';
import { backupOwnersTable } from '../../../functions/backups/backup-owners-table.ts';
import type { BackupStore } from '../../../functions/backups/backup-store.ts';
import { backupTable } from '../../../functions/backups/backup-table.ts';
import { S3ArchiveBucket } from '../../../functions/backups/bucket/archive-bucket.ts';
import { groupDirectory } from '../../../functions/backups/group-directory.ts';
import type { Archives, Cutter } from '../../../functions/backups/ports.ts';
import { updateBackup } from '../../../functions/backups/records.ts';
import { WorkerTable } from '../../../functions/backups/worker/worker-table.ts';
import type { Job, JobRecord } from '../../../functions/jobs/job.ts';
import type { Page } from '../../../functions/jobs/job-store.ts';
import { payloadBucket } from '../../../functions/jobs/payloads/payload-bucket.ts';
import { stateLocksTable } from '../../../functions/jobs/state-locks-table.ts';
import { startRestore, type WithLaunch } from '../../../functions/restore/restore.ts';
import type { RestoreRecord } from '../../../functions/restore/restore-store.ts';
import { restoreTable } from '../../../functions/restore/restore-table.ts';
import { stepRestore } from '../../../functions/restore/steps.ts';
import { leaseTable } from '../../../leadership/lease-table.ts';
import type { GroupLogs } from '../../../log/group-logs.ts';
import { begunBackup } from '../../support/backups/begun-backup.ts';
import { type MemoryLogs, memoryLogs } from '../../support/backups/memory-logs.ts';
import { type JobWorld, openJobWorld, type Process } from '../../support/job-world.ts';
import { overriding } from '../../support/overriding.ts';

/** A process of the service with everything that backups and restores work with. */
export interface BackupProcess {
  readonly jobs: Process;
  readonly archives: Archives;
  readonly cutter: Cutter;
  readonly restores: WithLaunch;
  /** Each job as the last cut has read it. */
  readonly recorded: Map<string, Job>;
  restore(request: { group: string; backupId?: string; uri?: string }, requestId?: string): Promise<RestoreRecord>;
}

export interface ArchiveWorld {
  readonly world: JobWorld;
  readonly logs: MemoryLogs;
  readonly store: BackupStore;
  /** `client` and `s3`: the restore's own ones, so that its crash is its own. */
  process(options?: {
    logs?: GroupLogs;
    restoreSources?: string[];
    client?: DynamoDBDocumentClient;
    s3?: S3Client;
    /** Of the cut, other than by default. */
    cut?: Partial<Pick<CutterParts, 'lockMs' | 'freePasses' | 'mostPasses' | 'locks'>>;
    /** Happens after each reading of all jobs. */
    afterPass?: () => Promise<unknown>;
  }): BackupProcess;
  /** Begins a backup and places its cut. */
  cut(process: BackupProcess, group: string, options?: Partial<BackupRecord['options']>): Promise<BackupRecord>;
  /** Of a writer of archives. */
  readonly writer: WriterOptions;
  /** A backup by the built-in worker, in as many slices as it takes. */
  backUp(
    process: BackupProcess,
    group: string,
    during?: (record: BackupRecord) => Promise<void>,
    options?: Partial<BackupRecord['options']>,
  ): Promise<BackupRecord>;
  /** Puts the record of a backup, as the workflow would. */
  record(group: string, more?: Partial<BackupRecord>): Promise<BackupRecord>;
}

export async function openArchives(): Promise<ArchiveWorld> {
  const world = await openJobWorld(inject('dynamodb'));
  const logs = memoryLogs();
  const { table, bucket: bucketName, clock, other, s3 } = world;
  const store = backupTable(other, table);

  const record = async (group: string, more: Partial<BackupRecord> = {}): Promise<BackupRecord> => {
    const begun: BackupRecord = {
      ...begunBackup(group, clock.now()),
      state: 'RUNNING',
      timeouts: { answerSeconds: 30, abandonSeconds: 60, runSeconds: 86_400, cutPauseSeconds: 1 },
      attempt: 1,
      ...more,
    };
    const answer = await store.begin(begun);
    if (answer.kind !== 'begun') throw new Error(JSON.stringify(answer));
    return begun;
  };

  const cut: ArchiveWorld['cut'] = async (process, group, options = {}) => {
    const { options: usual } = begunBackup(group, clock.now());
    const begun = await record(group, { options: { ...usual, ...options } });
    const { backupId, attempt } = begun;
    let placed = await process.cutter.cut({ group, backupId, attempt });
    for (let tried = 0; placed.kind === 'again' && tried < 5; tried += 1) {
      placed = await process.cutter.cut({ group, backupId, attempt });
    }
    if (placed.kind === 'again') throw new Error(placed.again);
    const { kind: _kind, ...fixed } = placed;
    return updateBackup({ store }, begun, (seen) => ({ ...seen, ...fixed }));
  };

  return {
    world,
    logs,
    store,
    record,
    writer: { now: () => clock.now() },

    process({ logs: these = logs, restoreSources = [], client = other, s3: objects = s3, cut: given, afterPass } = {}) {
      const jobs = world.process();
      const recorded = new Map<string, Job>();
      const registry = overriding(jobs.room.jobs, {
        async list(...asked: Parameters<typeof jobs.room.jobs.list>) {
          const page: Page<JobRecord> = await jobs.room.jobs.list(...asked);
          if (asked[1] === undefined) recorded.clear();
          for (const job of page.items) if (!('damage' in job)) recorded.set(job.jobId, job);
          if (page.last === undefined) await afterPass?.();
          return page;
        },
      });
      const bucket = new S3ArchiveBucket(s3);
      const payloads = payloadBucket(s3, bucketName);
      const owners = backupOwnersTable(other, table);
      const leases = leaseTable(other, table);
      const locks = stateLocksTable(other, table);
      const newId = () => randomUUID();
      const kept = { logs: these, bucket, bucketName, payloads, clock };
      const cuts = {
        ...kept,
        lockMs: 5_000,
        jobs: registry,
        held: jobs.room.held,
        locks,
        leases,
        store,
        newId,
        ...given,
      };
      const restores: WithLaunch = {
        groups: groupDirectory({ leases, jobs: jobs.room.jobs, logs: these, workers: new WorkerTable(other, table) }),
        store,
        owners,
        leases,
        restores: restoreTable(client, table),
        bucket: new S3ArchiveBucket(objects),
        bucketName,
        logs: these,
        clock,
        restoreSources,
        resultRetentionDays: 7,
        launch: async () => 'running',
      };
      return {
        jobs,
        recorded,
        cutter: new GroupCutter(cuts),
        archives: archives({
          ...kept,
          objectsIn: (name) => payloadBucket(s3, name),
          owners,
          served: (name, chain) => rememberServed({ store }, name, chain),
          version: '0.0.0-test',
          newSuffix: () => randomUUID().slice(0, 8),
        }),
        restores,
        async restore(request, requestId = randomUUID()) {
          const { group, restoreId } = await startRestore(restores, { ...request, requestId }, 10_000);
          for (let over = false; !over; ) ({ over } = await stepRestore(restores, group, restoreId, 60_000));
          const stored = await restores.restores.read(group, restoreId);
          if (!stored) throw new Error(`Restore ${restoreId} has gone`);
          return stored.record;
        },
      };
    },

    cut,

    async backUp(process, group, during = async () => {}, options = {}) {
      const placed = await cut(process, group, options);
      const { backupId } = placed;
      await during(placed);
      const slice = { budgetMs: 60_000, report: async () => 'continue' as const };
      let worked = await process.archives.work(placed, slice);
      while (worked.kind === 'more') worked = await process.archives.work(placed, slice);
      const { finished: written } = worked;
      const finished = await updateBackup({ store }, placed, (seen) => ({ ...seen, ...written, state: 'VERIFYING' }));
      const verification = await process.archives.verify(finished, undefined, 60_000);
      if (verification.kind !== 'intact') throw new Error(JSON.stringify(verification));
      const seen = await store.read(group, backupId);
      const completed: BackupRecord = { ...finished, state: 'COMPLETED' };
      if (!seen || !(await store.settle(seen, completed))) throw new Error('The backup could not be settled');
      return completed;
    },
  };
}
