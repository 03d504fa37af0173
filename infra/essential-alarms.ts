/**
 * The few alarms that every deployment has: each is paid for by the month, so each watches what many failures come to.
 */
import { Duration } from 'aws-cdk-lib';
import {
  Alarm,
  ComparisonOperator,
  type IMetric,
  Metric,
  Stats,
  TreatMissingData,
  Unit,
} from 'aws-cdk-lib/aws-cloudwatch';
import { SnsAction } from 'aws-cdk-lib/aws-cloudwatch-actions';
import type { ITopic } from 'aws-cdk-lib/aws-sns';
import type { Construct } from 'constructs';
import { described } from './runbook.ts';
import type { Watched } from './watched.ts';

interface Watch {
  metric: IMetric;
  what: string;
  runbook: string;
  /** Goes off above it. */
  threshold?: number;
  /** Minutes that count, and how many of them must be bad; 3 of 5 by default. */
  minutes?: { of: number; bad: number };
}

const period = Duration.minutes(1);
const atOnce = { of: 1, bad: 1 };

/**
 * Everything that fails without anybody waiting for it ends in the queue, so one alarm watches all sweeps, events and
 * rules.
 */
export function createEssentialAlarms(scope: Construct, topic: ITopic, stackName: string, watched: Watched): void {
  for (const [name, watch] of Object.entries(watches(watched))) {
    const { metric, what, runbook, threshold = 0, minutes = { of: 5, bad: 3 } } = watch;
    const alarm = new Alarm(scope, name, {
      alarmName: `${stackName}-${name}`,
      alarmDescription: described(what, runbook),
      metric,
      threshold,
      comparisonOperator: ComparisonOperator.GREATER_THAN_THRESHOLD,
      evaluationPeriods: minutes.of,
      datapointsToAlarm: minutes.bad,
      treatMissingData: TreatMissingData.NOT_BREACHING,
    });
    alarm.addAlarmAction(new SnsAction(topic));
    alarm.addOkAction(new SnsAction(topic));
  }
}

function watches({ settings, api, failures, publisher, lease, workflows }: Watched): Record<string, Watch> {
  const product = (metricName: string, statistic: string) =>
    new Metric({ namespace: 'Tenure', metricName, statistic, period, dimensionsMap: { service: settings.stage } });
  const failed = Object.entries(workflows).map(([name, machine]): [string, Watch] => [
    `${name}-executions-failed`,
    {
      metric: machine.metricFailed({ period, statistic: Stats.SUM }),
      what: `An execution of the workflow ${name} failed`,
      runbook: 'An execution fails',
      minutes: atOnce,
    },
  ]);
  return {
    'api-5xx': {
      // Of the API's own metric the average is the share of requests.
      metric: api.http.metricServerError({ period, statistic: Stats.AVERAGE, unit: Unit.COUNT }),
      what: 'More than 1 % of the answers are 5xx',
      runbook: 'The API answers 5xx',
      threshold: 0.01,
    },
    'failure-queue': {
      metric: failures.metricApproximateNumberOfMessagesVisible({ period, statistic: Stats.MAXIMUM }),
      what: 'Scheduled or asynchronous work failed',
      runbook: 'The failure queue fills',
      minutes: atOnce,
    },
    'lease-throttled': {
      metric: lease.metricThrottles({ period }),
      what: 'Lambda throttles lease',
      runbook: 'A function is throttled',
    },
    'lease-fails': {
      metric: lease.metricErrors({ period }),
      what: 'The function lease fails or times out',
      runbook: 'A function fails',
    },
    'events-late': {
      metric: publisher.metric('IteratorAge', { period, statistic: Stats.MAXIMUM }),
      what: 'Events are published more than five minutes late',
      runbook: 'Events are late',
      threshold: Duration.minutes(5).toMilliseconds(),
    },
    'replicas-not-voting': {
      metric: product('ReplicasNotVoting', Stats.MAXIMUM),
      what: 'Replicas of logs do not vote',
      runbook: 'Replicas do not vote',
      minutes: { of: 15, bad: 10 },
    },
    'backup-failed': {
      metric: product('BackupFailed', Stats.SUM),
      what: 'A backup failed',
      runbook: 'A backup failed',
      minutes: atOnce,
    },
    ...Object.fromEntries(failed),
  };
}
