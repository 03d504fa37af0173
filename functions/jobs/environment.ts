import { leaseTable } from '../../leadership/lease-table.ts';
import { systemClock } from '../../store/clock.ts';
import { documentClient, s3Client } from '../platform/aws.ts';
import { CheckpointTable } from './checkpoint-table.ts';
import type { CleanUpStore } from './clean-up/clean-up.ts';
import { cleanUpTable } from './clean-up/clean-up-table.ts';
import type { Collector } from './clean-up/collector.ts';
import { CollectorTable } from './clean-up/collector-table.ts';
import { JobTable } from './job-table.ts';
import type { Jobs } from './jobs.ts';
import { heldDeletesTable } from './payloads/held-deletes-table.ts';
import { payloadBucket } from './payloads/payload-bucket.ts';
import type { Recovery } from './recovery.ts';
import { checkpointSettings, jobSettings } from './settings.ts';

/** Builds the room once per Lambda environment, from its variables. */
export function jobRoom(): Jobs {
  const { TENURE_TABLE, TENURE_BUCKET, TENURE_MOST_JOBS } = jobSettings();
  const client = documentClient();
  const leases = leaseTable(client, TENURE_TABLE);
  return {
    jobs: new JobTable(client, TENURE_TABLE),
    readLeadership: (group) => leases.read(group, true),
    payloads: payloadBucket(s3Client(), TENURE_BUCKET),
    clock: systemClock,
    mostJobs: TENURE_MOST_JOBS,
  };
}

/** The same with what checkpoints, their recovery and their collection need. */
export function checkpointRoom(): Recovery & Collector & { cleanUps: CleanUpStore } {
  const settings = checkpointSettings();
  const table = settings.TENURE_TABLE;
  const client = documentClient();
  return {
    ...jobRoom(),
    checkpoints: new CheckpointTable(client, table),
    held: heldDeletesTable(client, table),
    cleanUps: cleanUpTable(client, table),
    registry: new CollectorTable(client, table),
    resultRetentionDays: settings.TENURE_RESULT_RETENTION_DAYS,
    graceMs: settings.TENURE_ORPHAN_GRACE_MS,
  };
}
