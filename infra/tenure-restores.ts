import { Aws, Validations } from 'aws-cdk-lib';
import type { IRole } from 'aws-cdk-lib/aws-iam';
import type { Queue } from 'aws-cdk-lib/aws-sqs';
import type { Construct } from 'constructs';
import { everyMinute } from './every-minute.ts';
import { createRestoreWorkflow } from './restore-workflow.ts';
import type { Settings } from './settings.ts';
import { TenureFunction } from './tenure-function.ts';
import { type TenureStore, uploadedBackups } from './tenure-store.ts';

export interface RestoreFunctionsProps {
  settings: Settings;
  store: TenureStore;
  failures: Queue;
  /** Starts the schedule's backups. */
  backupWorkflowArn: string;
}

const archives = 'backups/';
const payloads = 'groups/';

/** The functions of restores and of the backup schedule. Only the step of the workflow writes what a backup holds. */
export function createRestoreFunctions(
  scope: Construct,
  { failures, backupWorkflowArn, ...props }: RestoreFunctionsProps,
): TenureFunction[] {
  const { settings, store } = props;
  const environment = {
    TENURE_BUCKET: store.bucket.bucketName,
    TENURE_REPLICA_TABLES: store.replicas.map(({ address }) => address).join(','),
    TENURE_RESTORE_SOURCES: settings.restoreSources.join(','),
  };

  const step = new TenureFunction(scope, 'restore-step', {
    ...props,
    entry: 'restore/step-handler.ts',
    environment,
    timeoutSeconds: 900,
    memoryMiB: 1_769,
  });
  readSources(step, props);
  step.allow(tableWrites, store.table.tableArn);
  // An abandoned restore deletes what it has put into the replicas of its logs.
  step.allow(
    [...tableWrites, 'dynamodb:DescribeTable', 'dynamodb:BatchWriteItem'],
    ...store.replicas.map(({ tableArn }) => tableArn),
  );
  step.allowObjects(
    ['s3:GetObject', 's3:PutObject', 's3:ListMultipartUploadParts', 's3:AbortMultipartUpload'],
    store.bucket,
    payloads,
  );
  step.allow(['s3:ListBucketMultipartUploads'], store.bucket.bucketArn);
  const { arn } = createRestoreWorkflow(scope, { settings, step });

  const restores = new TenureFunction(scope, 'restores', {
    ...props,
    entry: 'restore/handler.ts',
    environment: { ...environment, TENURE_RESTORE_WORKFLOW: arn },
    timeoutSeconds: 29,
    memoryMiB: 1_024,
  });
  readSources(restores, props);
  restores.allow(
    ['dynamodb:GetItem', 'dynamodb:Query', 'dynamodb:PutItem', 'dynamodb:UpdateItem'],
    store.table.tableArn,
  );
  // A signed URL allows no more than the function that signed it may do.
  restores.allowObjects(['s3:PutObject'], store.bucket, uploadedBackups);
  restores.allow(['states:StartExecution'], arn);

  const schedule = new TenureFunction(scope, 'backup-schedule', {
    ...props,
    entry: 'backups/schedule/schedule-handler.ts',
    environment: {
      ...environment,
      TENURE_BACKUP_WORKFLOW: backupWorkflowArn,
      TENURE_RESTORE_WORKFLOW: arn,
      TENURE_DELEGATION: settings.delegation,
    },
    timeoutSeconds: 55,
  });
  schedule.allow(tableWrites, store.table.tableArn);
  schedule.allow(['dynamodb:Query'], store.groupsIndexArn);
  schedule.allowObjects(['s3:DeleteObject'], store.bucket, archives);
  schedule.allow(['s3:ListBucket'], store.bucket.bucketArn);
  schedule.allow(['states:StartExecution'], arn, backupWorkflowArn);
  everyMinute(schedule, failures);

  return [step, restores, schedule];
}

const tableWrites = [
  'dynamodb:GetItem',
  'dynamodb:Query',
  'dynamodb:PutItem',
  'dynamodb:UpdateItem',
  'dynamodb:ConditionCheckItem',
];

/** Backups of all groups lie in one bucket: whether a group may read one is for the function to decide, from both groups' records. */
function readSources(
  one: TenureFunction,
  { settings, store }: Pick<RestoreFunctionsProps, 'settings' | 'store'>,
): void {
  one.allowObjects(['s3:GetObject'], store.bucket, archives);
  one.allowObjects(['s3:GetObject'], store.bucket, uploadedBackups);
  one.allow(['s3:ListBucket'], store.bucket.bucketArn);
  for (const source of settings.restoreSources) readForeign(one, source);
}

function readForeign(one: TenureFunction, source: string): void {
  const [, place = ''] = source.split('s3://');
  one.allow(['s3:GetObject'], `arn:${Aws.PARTITION}:s3:::${place}*`);
  Validations.of(one.role as IRole).acknowledge({
    id: `AwsSolutions-IAM5[Resource::arn:<AWS::Partition>:s3:::${place}*]`,
    reason: 'The deployment names this prefix as one that backups are restored from.',
  });
}
