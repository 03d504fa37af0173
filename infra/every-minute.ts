import { Duration } from 'aws-cdk-lib';
import { PolicyStatement, Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { SqsDestination } from 'aws-cdk-lib/aws-lambda-destinations';
import { CfnSchedule } from 'aws-cdk-lib/aws-scheduler';
import type { Queue } from 'aws-cdk-lib/aws-sqs';
import type { TenureFunction } from './tenure-function.ts';

/**
 * Calls the function at the beginning of each minute with {slot: the minute as an instant}. A call that fails is not
 * repeated, since the next one does its work, but kept in the queue.
 */
export function everyMinute(target: TenureFunction, failures: Queue): void {
  scheduled(target, failures, 'cron(* * * * ? *)');
}

/** The same at the beginning of each hour. */
export function everyHour(target: TenureFunction, failures: Queue): void {
  scheduled(target, failures, 'cron(0 * * * ? *)');
}

function scheduled(target: TenureFunction, failures: Queue, scheduleExpression: string): void {
  target.configureAsyncInvoke({
    retryAttempts: 0,
    maxEventAge: Duration.minutes(1),
    onFailure: new SqsDestination(failures),
  });
  const role = new Role(target, 'ScheduleRole', { assumedBy: new ServicePrincipal('scheduler.amazonaws.com') });
  role.addToPolicy(new PolicyStatement({ actions: ['lambda:InvokeFunction'], resources: [target.functionArn] }));
  role.addToPolicy(new PolicyStatement({ actions: ['sqs:SendMessage'], resources: [failures.queueArn] }));
  const schedule = new CfnSchedule(target, 'Schedule', {
    scheduleExpression,
    scheduleExpressionTimezone: 'UTC',
    flexibleTimeWindow: { mode: 'OFF' },
    target: {
      arn: target.functionArn,
      roleArn: role.roleArn,
      input: JSON.stringify({ slot: '<aws.scheduler.scheduled-time>' }),
      // Unless said otherwise it tries 185 times in a day.
      retryPolicy: { maximumRetryAttempts: 0, maximumEventAgeInSeconds: 60 },
      deadLetterConfig: { arn: failures.queueArn },
    },
  });
  schedule.node.addDependency(role);
}
