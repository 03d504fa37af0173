import type { Queue } from 'aws-cdk-lib/aws-sqs';
import type { Construct } from 'constructs';
import { everyHour, everyMinute } from './every-minute.ts';
import type { Settings } from './settings.ts';
import { TenureFunction } from './tenure-function.ts';
import type { TenureStore } from './tenure-store.ts';

export interface JobFunctionsProps {
  settings: Settings;
  store: TenureStore;
  failures: Queue;
}

/**
 * The functions of jobs and checkpoints. The bytes go between clients and S3: what a signed URL allows is what the function that signed it
 * may do. Only retention (`checkpoints`), the clean-up and the collector delete payloads.
 */
export function createJobFunctions(scope: Construct, { failures, ...props }: JobFunctionsProps): TenureFunction[] {
  const { table, groupsIndexArn, bucket } = props.store;
  const payloadPrefix = 'groups/';
  const environment = { TENURE_BUCKET: bucket.bucketName };

  const jobs = new TenureFunction(scope, 'jobs', {
    ...props,
    entry: 'jobs/handler.ts',
    environment,
    timeoutSeconds: 29,
  });
  jobs.allow(
    ['dynamodb:GetItem', 'dynamodb:Query', 'dynamodb:UpdateItem', 'dynamodb:PutItem', 'dynamodb:ConditionCheckItem'],
    table.tableArn,
  );
  jobs.allowObjects(['s3:PutObject', 's3:GetObject'], bucket, payloadPrefix);
  // Without it S3 answers 403 for a payload that is not there.
  jobs.allow(['s3:ListBucket'], bucket.bucketArn);

  const checkpoints = new TenureFunction(scope, 'checkpoints', {
    ...props,
    entry: 'jobs/checkpoints-handler.ts',
    environment,
    timeoutSeconds: 29,
    memoryMiB: 1_024,
  });
  checkpoints.allow(['dynamodb:GetItem', 'dynamodb:Query', 'dynamodb:UpdateItem', 'dynamodb:PutItem'], table.tableArn);
  checkpoints.allowObjects(['s3:PutObject', 's3:GetObject', 's3:DeleteObject'], bucket, payloadPrefix);
  checkpoints.allow(['s3:ListBucket'], bucket.bucketArn);

  const cleanUp = new TenureFunction(scope, 'clean-up', {
    ...props,
    entry: 'jobs/clean-up/clean-up-handler.ts',
    environment,
    timeoutSeconds: 55,
  });
  cleanUp.allow(['dynamodb:GetItem', 'dynamodb:UpdateItem'], table.tableArn);
  cleanUp.allow(['dynamodb:Query'], groupsIndexArn);
  cleanUp.allowObjects(['s3:DeleteObject'], bucket, payloadPrefix);
  everyMinute(cleanUp, failures);

  const collect = new TenureFunction(scope, 'collect', {
    ...props,
    entry: 'jobs/clean-up/collect-handler.ts',
    environment,
    timeoutSeconds: 29,
  });
  const collector = new TenureFunction(scope, 'collector', {
    ...props,
    entry: 'jobs/clean-up/collector-handler.ts',
    environment,
    timeoutSeconds: 300,
  });
  for (const one of [collect, collector]) {
    one.allow(['dynamodb:GetItem', 'dynamodb:BatchGetItem'], table.tableArn);
    one.allow(['s3:ListBucket'], bucket.bucketArn);
    one.allowObjects(['s3:DeleteObject'], bucket, payloadPrefix);
  }
  collector.allow(['dynamodb:UpdateItem'], table.tableArn);
  collector.allow(['dynamodb:Query'], groupsIndexArn);
  everyHour(collector, failures);

  return [jobs, checkpoints, cleanUp, collect, collector];
}
