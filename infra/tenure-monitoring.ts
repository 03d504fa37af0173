import { Aws, Duration, Stack } from 'aws-cdk-lib';
import type { IHttpApi } from 'aws-cdk-lib/aws-apigatewayv2';
import { ComparisonOperator, Metric, TreatMissingData } from 'aws-cdk-lib/aws-cloudwatch';
import type { ITable } from 'aws-cdk-lib/aws-dynamodb';
import { ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { Topic } from 'aws-cdk-lib/aws-sns';
import {
  type CustomMetricGroup,
  DefaultDashboardFactory,
  MonitoringFacade,
  SnsAlarmActionStrategy,
} from 'cdk-monitoring-constructs';
import { Construct } from 'constructs';
import { createEssentialAlarms } from './essential-alarms.ts';
import { monitorProduct } from './product-metrics.ts';
import { described } from './runbook.ts';
import type { TenureStore } from './tenure-store.ts';
import type { Watched } from './watched.ts';

/** An alarm that goes off when it was so in three of five minutes. */
const fewMinutes = (what: string, runbook: string) => ({
  period: Duration.minutes(1),
  evaluationPeriods: 5,
  datapointsToAlarm: 3,
  alarmDescriptionOverride: described(what, runbook),
});

/** Of a function that reads a stream: how far it is behind. */
const streamAlarm = {
  isIterator: true,
  addMaxIteratorAgeAlarm: {
    Any: {
      maxAgeInMillis: Duration.minutes(5).toMilliseconds(),
      // A stream without records has no age.
      treatMissingDataOverride: TreatMissingData.NOT_BREACHING,
      ...fewMinutes('Events are published more than five minutes late', 'Events are late'),
    },
  },
};

/**
 * The alarms of a monitored table leave transactions out: confirmations, submissions, and the beginning and end of
 * backups.
 */
const transactions = ({ tableName }: TenureStore['table']): CustomMetricGroup => ({
  title: 'Transactions that DynamoDB failed',
  metrics: [
    {
      metric: new Metric({
        namespace: 'AWS/DynamoDB',
        metricName: 'SystemErrors',
        statistic: 'Sum',
        period: Duration.minutes(1),
        dimensionsMap: { TableName: tableName, Operation: 'TransactWriteItems' },
      }),
      alarmFriendlyName: 'system-errors',
      addAlarm: {
        Any: {
          threshold: 0,
          comparisonOperator: ComparisonOperator.GREATER_THAN_THRESHOLD,
          treatMissingDataOverride: TreatMissingData.NOT_BREACHING,
          ...fewMinutes('DynamoDB answers transactions with errors of its own', 'DynamoDB fails'),
        },
      },
    },
  ],
});

/** The alarms, which go to one topic, and where the settings say so a dashboard. */
export class TenureMonitoring extends Construct {
  readonly topic: Topic;

  constructor(scope: Construct, id: string, watched: Watched) {
    super(scope, id);
    this.topic = new Topic(this, 'Alarms', { enforceSSL: true });
    const cloudWatch = new ServicePrincipal('cloudwatch.amazonaws.com', {
      conditions: { StringEquals: { 'aws:SourceAccount': Aws.ACCOUNT_ID } },
    });
    this.topic.grantPublish(cloudWatch);
    if (watched.settings.monitoring === 'full') this.watchAll(watched);
    else createEssentialAlarms(this, this.topic, Stack.of(this).stackName, watched);
  }

  private watchAll(watched: Watched): void {
    const { settings, store, failures } = watched;
    const facade = this.createFacade();
    facade.monitorApiGatewayV2HttpApi({
      api: watched.api.http as IHttpApi,
      humanReadableName: 'API',
      alarmFriendlyName: 'api',
      add5xxRateAlarm: {
        Any: { maxErrorRate: 0.01, ...fewMinutes('More than 1 % of the answers are 5xx', 'The API answers 5xx') },
      },
    });
    watchFunctions(facade, watched);
    watchWorkflows(facade, watched);
    facade.monitorDynamoTable({
      table: store.table as ITable,
      humanReadableName: 'Table',
      alarmFriendlyName: 'table',
      addReadThrottledEventsCountAlarm: {
        Any: { maxThrottledEventsThreshold: 0, ...fewMinutes('Reads are throttled', 'The table is throttled') },
      },
      addWriteThrottledEventsCountAlarm: {
        Any: { maxThrottledEventsThreshold: 0, ...fewMinutes('Writes are throttled', 'The table is throttled') },
      },
      addSystemErrorCountAlarm: {
        Any: { maxErrorCount: 0, ...fewMinutes('DynamoDB answers with errors of its own', 'DynamoDB fails') },
      },
    });
    facade.monitorCustom({
      humanReadableName: 'Transactions',
      alarmFriendlyName: 'transactions',
      metricGroups: [transactions(store.table)],
    });
    facade.monitorSqsQueue({
      queue: failures,
      humanReadableName: 'Failures',
      alarmFriendlyName: 'failures',
      addQueueMaxSizeAlarm: {
        Any: {
          maxMessageCount: 0,
          evaluationPeriods: 1,
          datapointsToAlarm: 1,
          alarmDescriptionOverride: described('Scheduled or asynchronous work failed', 'The failure queue fills'),
        },
      },
    });
    monitorProduct(facade, settings.stage);
  }
  private createFacade(): MonitoringFacade {
    const { stackName, region } = Stack.of(this);
    return new MonitoringFacade(this, stackName, {
      // Those of all Regions of an account share their names.
      dashboardFactory: new DefaultDashboardFactory(this, 'Dashboards', {
        dashboardNamePrefix: `${stackName}-${region}`,
      }),
      alarmFactoryDefaults: {
        actionsEnabled: true,
        alarmNamePrefix: stackName,
        action: new SnsAlarmActionStrategy({ onAlarmTopic: this.topic, onOkTopic: this.topic }),
      },
    });
  }
}

function watchFunctions(facade: MonitoringFacade, { functions, publisher }: Watched): void {
  for (const monitored of functions) {
    const name = monitored.node.id;
    facade.monitorLambdaFunction({
      lambdaFunction: monitored,
      humanReadableName: name,
      alarmFriendlyName: name,
      ...(monitored === publisher ? streamAlarm : {}),
      addFaultCountAlarm: {
        Any: { maxErrorCount: 0, ...fewMinutes(`The function ${name} fails or times out`, 'A function fails') },
      },
      addThrottlesCountAlarm: {
        Any: { maxErrorCount: 0, ...fewMinutes(`Lambda throttles ${name}`, 'A function is throttled') },
      },
    });
  }
}

function watchWorkflows(facade: MonitoringFacade, { workflows }: Watched): void {
  for (const [name, stateMachine] of Object.entries(workflows)) {
    facade.monitorStepFunction({
      stateMachine,
      humanReadableName: `Workflow ${name}`,
      alarmFriendlyName: `workflow-${name}`,
      addFailedExecutionCountAlarm: {
        Any: {
          maxErrorCount: 0,
          period: Duration.minutes(1),
          evaluationPeriods: 1,
          datapointsToAlarm: 1,
          treatMissingDataOverride: TreatMissingData.NOT_BREACHING,
          alarmDescriptionOverride: described(`An execution of the workflow ${name} failed`, 'An execution fails'),
        },
      },
    });
  }
}
