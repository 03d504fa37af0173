import { Duration } from 'aws-cdk-lib';
import { ComparisonOperator, Metric, TreatMissingData } from 'aws-cdk-lib/aws-cloudwatch';
import type { CustomMetricGroup, MonitoringFacade } from 'cdk-monitoring-constructs';
import { described } from './runbook.ts';

/** Counts and times of the functions, written by functions/platform/metrics.ts in the embedded metric format. */
export function monitorProduct(facade: MonitoringFacade, stage: string): void {
  const metric = (metricName: string, statistic: string, dimensions: Record<string, string> = {}) =>
    new Metric({
      namespace: 'Tenure',
      metricName,
      statistic,
      period: Duration.minutes(1),
      dimensionsMap: { service: stage, ...dimensions },
      label: [metricName, ...Object.values(dimensions)].join(' '),
    });
  const sum = (name: string, reason?: string) => metric(name, 'Sum', reason === undefined ? {} : { reason });
  const percentiles = (name: string) => ['p50', 'p99'].map((statistic) => metric(name, statistic));
  const above = (what: string, runbook: string, minutes: { of: number; bad: number }) => ({
    threshold: 0,
    comparisonOperator: ComparisonOperator.GREATER_THAN_THRESHOLD,
    treatMissingDataOverride: TreatMissingData.NOT_BREACHING,
    period: Duration.minutes(1),
    evaluationPeriods: minutes.of,
    datapointsToAlarm: minutes.bad,
    alarmDescriptionOverride: described(what, runbook),
  });
  const groups: CustomMetricGroup[] = [
    {
      title: 'Leadership',
      metrics: [sum('LeasesGranted'), ...lossReasons.map((reason) => sum('LeadershipLost', reason))],
    },
    { title: 'Refused to older terms', metrics: [sum('FencedWritesRefused')] },
    { title: 'Checkpoints, ms', metrics: [...percentiles('CheckpointCommitTime'), ...percentiles('RecoveryTime')] },
    {
      title: 'Logs',
      metrics: [
        sum('LogElectionsLost'),
        sum('AppendsUnknown'),
        sum('LogRecoveryRounds'),
        sum('LogPositionsCaughtUp'),
        {
          metric: metric('ReplicasNotVoting', 'Maximum'),
          alarmFriendlyName: 'replicas-not-voting',
          addAlarm: { Any: above('Replicas of logs do not vote', 'Replicas do not vote', { of: 15, bad: 10 }) },
        },
      ],
    },
    {
      title: 'Backups and orphans',
      metrics: [
        sum('BackupCompleted'),
        {
          metric: sum('BackupFailed'),
          alarmFriendlyName: 'backup-failed',
          addAlarm: { Any: above('A backup failed', 'A backup failed', { of: 1, bad: 1 }) },
        },
        sum('OrphansCollected'),
      ],
    },
    {
      title: 'Writes that were refused by an invariant',
      metrics: [
        {
          metric: sum('InvariantViolated'),
          alarmFriendlyName: 'invariant-violated',
          addAlarm: {
            Any: above('A write would have broken an invariant', 'An invariant is violated', { of: 1, bad: 1 }),
          },
        },
      ],
    },
    { title: 'Tries again, and tasks put off', metrics: [sum('StoreRetries'), sum('TasksPutOff')] },
    { title: 'Changes that became no event', metrics: [sum('EventsDeadLettered')] },
  ];
  facade.monitorCustom({ humanReadableName: 'Tenure', alarmFriendlyName: 'tenure', metricGroups: groups });
}

const lossReasons = ['expired', 'superseded', 'revoked', 'resigned'];
