import { Aws, Duration } from 'aws-cdk-lib';
import { PolicyDocument, PolicyStatement, Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { SqsDestination } from 'aws-cdk-lib/aws-lambda-destinations';
import { CfnSchedule } from 'aws-cdk-lib/aws-scheduler';
import type { Queue } from 'aws-cdk-lib/aws-sqs';
import type { Construct } from 'constructs';
import type { Settings } from './settings.ts';
import { deletePayloads, listBucket, listGroups } from './store-grants.ts';
import { patientTries, TenureFunction } from './tenure-function.ts';
import type { TenureStore } from './tenure-store.ts';

export interface MinuteProps {
  settings: Settings;
  store: TenureStore;
  failures: Queue;
  /** Called by it, one after the other. */
  sweeps: { log: TenureFunction; backup: TenureFunction };
}

/**
 * The one function that is called each minute, by the only schedule: a new account runs about ten functions at once,
 * and leaders' renewals are among them. It does what waits in the main table, and calls the sweeps that need other
 * rights.
 */
export function createMinute(scope: Construct, { failures, sweeps, ...props }: MinuteProps): TenureFunction {
  const { store } = props;
  const minute = new TenureFunction(scope, 'minute', {
    ...props,
    environment: {
      TENURE_BUCKET: store.bucket.bucketName,
      TENURE_LOG_SWEEP: sweeps.log.functionName,
      TENURE_BACKUP_SWEEP: sweeps.backup.functionName,
    },
    // The collection of orphans, once an hour, takes what the rest leaves of it.
    timeoutSeconds: 300,
    storeTries: patientTries,
    traced: false,
  });
  minute.allow(['dynamodb:GetItem', 'dynamodb:BatchGetItem', 'dynamodb:UpdateItem'], store.table.tableArn);
  listGroups(minute, store);
  listBucket(minute, store);
  deletePayloads(minute, store);
  minute.allow(['lambda:InvokeFunction'], sweeps.log.functionArn, sweeps.backup.functionArn);
  for (const one of [minute, sweeps.log, sweeps.backup]) {
    // A call that fails is not repeated, since the next minute does its work, but kept in the queue.
    one.configureAsyncInvoke({
      retryAttempts: 0,
      maxEventAge: Duration.minutes(1),
      onFailure: new SqsDestination(failures),
    });
  }
  schedule(minute, failures);
  return minute;
}

function schedule(target: TenureFunction, failures: Queue): void {
  const role = new Role(target, 'ScheduleRole', {
    assumedBy: new ServicePrincipal('scheduler.amazonaws.com', {
      conditions: { StringEquals: { 'aws:SourceAccount': Aws.ACCOUNT_ID } },
    }),
    inlinePolicies: {
      Target: new PolicyDocument({
        statements: [
          new PolicyStatement({ actions: ['lambda:InvokeFunction'], resources: [target.functionArn] }),
          new PolicyStatement({ actions: ['sqs:SendMessage'], resources: [failures.queueArn] }),
        ],
      }),
    },
  });
  new CfnSchedule(target, 'Schedule', {
    scheduleExpression: 'cron(* * * * ? *)',
    scheduleExpressionTimezone: 'UTC',
    flexibleTimeWindow: { mode: 'OFF' },
    target: {
      arn: target.functionArn,
      roleArn: role.roleArn,
      input: JSON.stringify({ task: 'minute', slot: '<aws.scheduler.scheduled-time>' }),
      // Unless said otherwise it tries 185 times in a day.
      retryPolicy: { maximumRetryAttempts: 0, maximumEventAgeInSeconds: 60 },
      deadLetterConfig: { arn: failures.queueArn },
    },
  });
}
