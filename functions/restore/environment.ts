import * as z from 'zod/mini';
import { leaseTable } from '../../leadership/lease-table.ts';
import { systemClock } from '../../store/clock.ts';
import { backupOwnersTable } from '../backups/backup-owners-table.ts';
import { backupTable } from '../backups/backup-table.ts';
import { S3ArchiveBucket } from '../backups/bucket/archive-bucket.ts';
import { groupDirectory } from '../backups/group-directory.ts';
import { policyTable } from '../backups/schedule/policy-table.ts';
import { archiveBucketName, backupSettings } from '../backups/settings.ts';
import { WorkerTable } from '../backups/worker/worker-table.ts';
import { jobRoom } from '../jobs/environment.ts';
import { resultRetention } from '../jobs/settings.ts';
import { leadershipSettings } from '../leadership/settings.ts';
import { logRoom } from '../log/environment.ts';
import { groupLogs } from '../log/lambda/group-logs.ts';
import { documentClient, s3Client, sfnClient } from '../platform/aws.ts';
import { commaSeparated, readSettings } from '../platform/settings.ts';
import { DeletionTable } from './deletion-table.ts';
import type { Restores } from './restore.ts';
import { restoreClient } from './restore-client.ts';
import { restoreTable } from './restore-table.ts';

/** Builds what a step of a restore works with, once per Lambda environment. */
export function restoreRoom(): Restores {
  const { table } = backupSettings();
  const { TENURE_RESTORE_SOURCES, TENURE_RESULT_RETENTION_DAYS } = readSettings({
    TENURE_RESTORE_SOURCES: commaSeparated,
    ...resultRetention,
  });
  const client = documentClient();
  const leases = leaseTable(client, table);
  const logs = groupLogs(logRoom(), systemClock);
  return {
    groups: groupDirectory({ leases, logs, jobs: jobRoom().jobs, workers: new WorkerTable(client, table) }),
    store: backupTable(client, table),
    owners: backupOwnersTable(client, table),
    leases,
    restores: restoreTable(client, table),
    logs,
    bucket: new S3ArchiveBucket(s3Client()),
    bucketName: archiveBucketName(),
    clock: systemClock,
    restoreSources: TENURE_RESTORE_SOURCES,
    resultRetentionDays: TENURE_RESULT_RETENTION_DAYS,
  };
}

/** The same for the functions that start the steps. */
export function restoreRoomWithLaunch() {
  const { TENURE_RESTORE_WORKFLOW } = readSettings({ TENURE_RESTORE_WORKFLOW: z.string().check(z.startsWith('arn:')) });
  return {
    ...restoreRoom(),
    launch: restoreClient(sfnClient(), TENURE_RESTORE_WORKFLOW),
    payloads: jobRoom().payloads,
    deletions: new DeletionTable(documentClient(), backupSettings().table),
    maxClockSkewMs: leadershipSettings().TENURE_MAX_CLOCK_SKEW_MS,
    policies: policyTable(documentClient(), backupSettings().table),
  };
}
