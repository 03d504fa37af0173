import { leaseTable } from '../../leadership/lease-table.ts';
import { systemClock } from '../../store/clock.ts';
import { documentClient, s3Client } from '../platform/aws.ts';
import { JobTable } from './job-table.ts';
import type { Jobs } from './jobs.ts';
import { payloadBucket } from './payloads/payload-bucket.ts';
import { jobSettings } from './settings.ts';

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
