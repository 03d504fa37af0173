import type { Construct } from 'constructs';
import type { Settings } from './settings.ts';
import { deletePayloads, listBucket, readPayloads, writePayloads } from './store-grants.ts';
import { TenureFunction } from './tenure-function.ts';
import type { TenureStore } from './tenure-store.ts';

export interface JobFunctionProps {
  settings: Settings;
  store: TenureStore;
}

/**
 * The function of jobs and checkpoints. The bytes go between clients and S3; a commit deletes what is no longer
 * retained, and an operator orphans.
 */
export function createJobFunction(scope: Construct, props: JobFunctionProps): TenureFunction {
  const { store, settings } = props;
  const jobs = new TenureFunction(scope, 'jobs', {
    ...props,
    environment: { TENURE_BUCKET: store.bucket.bucketName, TENURE_MOST_JOBS: String(settings.limits.jobs) },
    timeoutSeconds: 29,
    memoryMiB: 1_024,
  });
  jobs.allow(
    [
      'dynamodb:GetItem',
      'dynamodb:BatchGetItem',
      'dynamodb:Query',
      'dynamodb:UpdateItem',
      'dynamodb:PutItem',
      // A submission holds only while its leader's fence does.
      'dynamodb:ConditionCheckItem',
    ],
    store.table.tableArn,
  );
  readPayloads(jobs, store);
  writePayloads(jobs, store);
  deletePayloads(jobs, store);
  listBucket(jobs, store);
  return jobs;
}
