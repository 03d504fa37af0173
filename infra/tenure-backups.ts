import type { Queue } from 'aws-cdk-lib/aws-sqs';
import type { Construct } from 'constructs';
import { type BackupTask, backupTasks, createBackupWorkflow } from './backup-workflow.ts';
import { everyMinute } from './every-minute.ts';
import type { Settings } from './settings.ts';
import { TenureFunction } from './tenure-function.ts';
import { createRestoreFunctions } from './tenure-restores.ts';
import type { TenureStore } from './tenure-store.ts';

export interface BackupFunctionsProps {
  settings: Settings;
  store: TenureStore;
  failures: Queue;
}

const archives = 'backups/';
const payloads = 'groups/';

const folder = 'backups/attempt/tasks';

/**
 * How long a task may take, s, and its memory, where it needs more than 30 s. Cut has to lock all logs of a group and to look at them again within 5 s. The others only look at
 * records and share one bundle.
 */
const sizes: Partial<Record<BackupTask, { timeoutSeconds: number; memoryMiB?: number }>> = {
  cut: { timeoutSeconds: 60, memoryMiB: 1_024 },
  work: { timeoutSeconds: 900, memoryMiB: 1_024 },
  verify: { timeoutSeconds: 300, memoryMiB: 1_024 },
  cleanUp: { timeoutSeconds: 300 },
};

/**
 * The functions of backups: one for each task of the workflow, one behind the API, one for the minute. Only the last two speak to the
 * workflow, since a task that did would need it before it exists.
 */
export function createBackupFunctions(
  scope: Construct,
  { failures, ...props }: BackupFunctionsProps,
): TenureFunction[] {
  const { settings, store } = props;
  const environment = {
    TENURE_BUCKET: store.bucket.bucketName,
    TENURE_REPLICA_TABLES: store.replicas.map(({ address }) => address).join(','),
  };

  const tasks = Object.fromEntries(
    backupTasks.map((task) => {
      const name = task.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
      const code = sizes[task]
        ? { entry: `${folder}/${name}.ts` }
        : { entry: `${folder}/record-tasks.ts`, handler: task };
      return [
        task,
        new TenureFunction(scope, `backup-${name}`, {
          ...props,
          environment,
          ...code,
          timeoutSeconds: 30,
          ...sizes[task],
        }),
      ];
    }),
  ) as Record<BackupTask, TenureFunction>;
  for (const task of Object.values(tasks)) keepRecords(task, store);
  for (const task of [tasks.cut, tasks.cleanUp]) holdBack(task, store);
  for (const task of [tasks.cut, tasks.work]) useLogs(task, store);
  keepContents(tasks.cut, store);
  writeArchives(tasks.work, store);
  readArchives(tasks.verify, store);
  deleteArchives(tasks.cleanUp, store);
  const { arn } = createBackupWorkflow(scope, { settings, functions: tasks });

  const serving = { ...environment, TENURE_BACKUP_WORKFLOW: arn, TENURE_DELEGATION: settings.delegation };
  const backups = new TenureFunction(scope, 'backups', {
    ...props,
    entry: 'backups/handler.ts',
    environment: serving,
    timeoutSeconds: 29,
    memoryMiB: 1_024,
  });
  writeArchives(backups, store);
  const sweep = new TenureFunction(scope, 'backup-sweep', {
    ...props,
    entry: 'backups/sweep-handler.ts',
    environment: serving,
    timeoutSeconds: 55,
  });
  sweep.allow(['dynamodb:Query'], store.groupsIndexArn);
  holdBack(sweep, store);
  everyMinute(sweep, failures);
  for (const one of [backups, sweep]) {
    keepRecords(one, store);
    useLogs(one, store);
    deleteArchives(one, store);
    one.allow(
      ['states:StartExecution', 'states:SendTaskSuccess', 'states:SendTaskFailure', 'states:SendTaskHeartbeat'],
      arn,
    );
  }
  const restores = createRestoreFunctions(scope, { ...props, failures, backupWorkflowArn: arn });
  return [backups, sweep, ...Object.values(tasks), ...restores];
}

function keepRecords(one: TenureFunction, { table }: TenureStore): void {
  one.allow(
    ['dynamodb:GetItem', 'dynamodb:Query', 'dynamodb:PutItem', 'dynamodb:UpdateItem', 'dynamodb:ConditionCheckItem'],
    table.tableArn,
  );
}

/** Deletions deferred by a backup's hold happen when the hold ends. */
function holdBack(one: TenureFunction, { bucket }: TenureStore): void {
  one.allowObjects(['s3:DeleteObject'], bucket, payloads);
}

/** Locks and settles the logs, and reads them. */
function useLogs(one: TenureFunction, { replicas }: TenureStore): void {
  one.allow(
    [
      'dynamodb:DescribeTable',
      'dynamodb:GetItem',
      'dynamodb:Query',
      'dynamodb:PutItem',
      'dynamodb:UpdateItem',
      'dynamodb:ConditionCheckItem',
    ],
    ...replicas.map(({ tableArn }) => tableArn),
  );
}

/** What the cut has fixed of the group lies beside the files of its attempt. */
function keepContents(one: TenureFunction, { bucket }: TenureStore): void {
  one.allowObjects(['s3:PutObject'], bucket, archives);
}

function readArchives(one: TenureFunction, { bucket }: TenureStore): void {
  one.allowObjects(['s3:GetObject'], bucket, archives);
  // Without it S3 answers 403 for what is not there.
  one.allow(['s3:ListBucket'], bucket.bucketArn);
}

function writeArchives(one: TenureFunction, store: TenureStore): void {
  readArchives(one, store);
  one.allowObjects(['s3:PutObject', 's3:ListMultipartUploadParts'], store.bucket, archives);
  one.allow(['s3:ListBucketMultipartUploads'], store.bucket.bucketArn);
  one.allowObjects(['s3:GetObject'], store.bucket, payloads);
}

function deleteArchives(one: TenureFunction, { bucket }: TenureStore): void {
  one.allowObjects(['s3:DeleteObject'], bucket, archives);
  one.allow(['s3:ListBucket'], bucket.bucketArn);
}
