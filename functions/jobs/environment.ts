import { documentClient, s3Client } from '../platform/aws.ts';
import { systemClock } from '../platform/clock.ts';
import { bucketName, readSettings, tableName } from '../platform/settings.ts';
import { jobTable } from './job-table.ts';
import type { Jobs } from './jobs.ts';
import { payloadBucket } from './payloads/payload-bucket.ts';

/** Builds the room once per Lambda environment, from its variables. */
export function jobRoom(): Jobs {
  const { TENURE_TABLE, TENURE_BUCKET } = readSettings({ TENURE_TABLE: tableName, TENURE_BUCKET: bucketName });
  return {
    jobs: jobTable(documentClient(), TENURE_TABLE),
    payloads: payloadBucket(s3Client(), TENURE_BUCKET),
    clock: systemClock,
  };
}
