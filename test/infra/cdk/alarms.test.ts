import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { resources, type Statement, templateOf } from './synthesised.ts';

interface MetricOf {
  MetricName: string;
  Dimensions: unknown;
}

interface AlarmProperties {
  AlarmName: string;
  AlarmDescription: string;
  AlarmActions: unknown[];
  OKActions: unknown[];
  TreatMissingData: string;
  MetricName?: string;
  Dimensions?: unknown;
  Metrics?: { MetricStat?: { Metric: MetricOf } }[];
}

const alarmsOf = (context: Record<string, unknown>): AlarmProperties[] =>
  resources(templateOf(context), 'AWS::CloudWatch::Alarm').map(({ properties }) => properties);

/** An alarm's metrics, each of which is paid for. */
function metricsOf({ MetricName, Dimensions, Metrics = [] }: AlarmProperties): MetricOf[] {
  if (MetricName !== undefined) return [{ MetricName, Dimensions }];
  return Metrics.flatMap(({ MetricStat }) => MetricStat?.Metric ?? []);
}

describe.each([{ monitoring: 'essential' }, { monitoring: 'full' }])('alarms with %o', (context) => {
  const alarms = alarmsOf(context);

  test('each says what is wrong and names the section of docs/operations.md that tells what to do', () => {
    const page = readFileSync(new URL('../../../docs/operations.md', import.meta.url), 'utf8');
    const headings = [...page.matchAll(/^#+ (.*)$/gm)].map(([, heading]) => heading);
    expect(alarms.length).toBeGreaterThan(5);
    for (const { AlarmDescription } of alarms) {
      const [, runbook] = /Runbook: docs\/operations\.md, "(.*)"\.$/.exec(AlarmDescription) ?? [];
      expect(headings, AlarmDescription).toContain(runbook);
    }
  });

  test('tell one topic, when they go off and when it is over, that only CloudWatch may write to', () => {
    const template = templateOf(context);
    const [topic, ...others] = resources(template, 'AWS::SNS::Topic');
    expect(others).toEqual([]);
    for (const { AlarmActions, OKActions } of alarms)
      expect([AlarmActions, OKActions]).toEqual([[{ Ref: topic?.id }], [{ Ref: topic?.id }]]);
    const [policy] = resources(template, 'AWS::SNS::TopicPolicy');
    const statements: Statement[] = policy?.properties.PolicyDocument.Statement;
    expect(statements.filter(({ Effect }) => Effect === 'Allow')).toMatchObject([
      {
        Action: 'sns:Publish',
        Principal: { Service: 'cloudwatch.amazonaws.com' },
        Condition: { StringEquals: { 'aws:SourceAccount': { Ref: 'AWS::AccountId' } } },
      },
    ]);
  });

  test('watch the API, the failure queue, the workflows, the stream, replicas and backups; silence is no alarm', () => {
    const watched = alarms.flatMap((alarm) => metricsOf(alarm).map(({ MetricName }) => MetricName));
    const needed = ['5xx', 'ApproximateNumberOfMessagesVisible', 'IteratorAge', 'ReplicasNotVoting', 'BackupFailed'];
    for (const metric of [...needed, 'Throttles', 'Errors', 'ExecutionsFailed']) expect(watched).toContain(metric);
    expect(watched.filter((metric) => metric === 'ExecutionsFailed')).toHaveLength(3);
    for (const alarm of alarms) {
      const [{ MetricName = '' } = {}] = metricsOf(alarm);
      if (['IteratorAge', 'ExecutionsFailed', 'ReplicasNotVoting', 'BackupFailed'].includes(MetricName))
        expect(alarm.TreatMissingData, alarm.AlarmName).toBe('notBreaching');
    }
  });
});

test('without more said there are few alarms, each of one metric, and no dashboard', () => {
  const alarms = alarmsOf({});
  expect(alarms.flatMap(metricsOf).length).toBeLessThanOrEqual(10);
  expect(alarms.flatMap(metricsOf)).toHaveLength(alarms.length);
  expect(resources(templateOf({}), 'AWS::CloudWatch::Dashboard')).toEqual([]);
});

test('monitoring=full watches every function for errors and throttling, and the main table', () => {
  const template = templateOf({ monitoring: 'full' });
  const alarms = alarmsOf({ monitoring: 'full' });
  for (const { id } of resources(template, 'AWS::Lambda::Function')) {
    for (const metric of ['Errors', 'Throttles']) {
      const watching = alarms.filter((alarm) =>
        metricsOf(alarm).some(
          ({ MetricName, Dimensions }) => MetricName === metric && JSON.stringify(Dimensions).includes(`"Ref":"${id}"`),
        ),
      );
      expect(watching, `${metric} of ${id}`).toHaveLength(1);
    }
  }
  const watched = JSON.stringify(alarms);
  for (const operation of ['GetItem', 'UpdateItem', 'TransactWriteItems']) expect(watched).toContain(`"${operation}"`);
  expect(resources(template, 'AWS::CloudWatch::Dashboard')).toHaveLength(1);
});
