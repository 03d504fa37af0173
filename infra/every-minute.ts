import { PolicyStatement, Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { CfnSchedule } from 'aws-cdk-lib/aws-scheduler';
import type { TenureFunction } from './tenure-function.ts';

/**
 * Calls the function at the beginning of each minute with {slot: the minute as an instant}. A call that cannot be made
 * is given up: the next minute does its work.
 */
export function everyMinute(target: TenureFunction): void {
  const role = new Role(target, 'ScheduleRole', { assumedBy: new ServicePrincipal('scheduler.amazonaws.com') });
  role.addToPolicy(new PolicyStatement({ actions: ['lambda:InvokeFunction'], resources: [target.functionArn] }));
  const schedule = new CfnSchedule(target, 'Schedule', {
    scheduleExpression: 'cron(* * * * ? *)',
    scheduleExpressionTimezone: 'UTC',
    flexibleTimeWindow: { mode: 'OFF' },
    target: {
      arn: target.functionArn,
      roleArn: role.roleArn,
      input: JSON.stringify({ slot: '<aws.scheduler.scheduled-time>' }),
      // The service's default is 185 tries in a day.
      retryPolicy: { maximumRetryAttempts: 0, maximumEventAgeInSeconds: 60 },
    },
  });
  schedule.node.addDependency(role);
}
