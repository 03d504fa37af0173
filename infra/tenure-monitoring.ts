import { Aws, Duration, Stack } from 'aws-cdk-lib';
import type { IHttpApi } from 'aws-cdk-lib/aws-apigatewayv2';
import type { ITable } from 'aws-cdk-lib/aws-dynamodb';
import { ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { Topic } from 'aws-cdk-lib/aws-sns';
import type { Queue } from 'aws-cdk-lib/aws-sqs';
import { MonitoringFacade, SnsAlarmActionStrategy } from 'cdk-monitoring-constructs';
import { Construct } from 'constructs';
import type { TenureApi } from './tenure-api.ts';
import type { TenureFunction } from './tenure-function.ts';
import type { TenureStore } from './tenure-store.ts';

export interface TenureMonitoringProps {
  functions: TenureFunction[];
  api: TenureApi;
  store: TenureStore;
  failures: Queue;
}

const fewMinutes = { period: Duration.minutes(1), evaluationPeriods: 5, datapointsToAlarm: 3 };

/** The dashboard and the alarms, which go to one topic. What to do about each stands in docs/operations.md. */
export class TenureMonitoring extends Construct {
  readonly topic: Topic;

  constructor(scope: Construct, id: string, { functions, api, store, failures }: TenureMonitoringProps) {
    super(scope, id);
    this.topic = new Topic(this, 'Alarms', { enforceSSL: true });
    const cloudWatch = new ServicePrincipal('cloudwatch.amazonaws.com', {
      conditions: { StringEquals: { 'aws:SourceAccount': Aws.ACCOUNT_ID } },
    });
    this.topic.grantPublish(cloudWatch);

    const facade = new MonitoringFacade(this, Stack.of(this).stackName, {
      alarmFactoryDefaults: {
        actionsEnabled: true,
        alarmNamePrefix: Stack.of(this).stackName,
        action: new SnsAlarmActionStrategy({ onAlarmTopic: this.topic, onOkTopic: this.topic }),
      },
    });
    facade.monitorApiGatewayV2HttpApi({
      api: api.http as IHttpApi,
      humanReadableName: 'API',
      alarmFriendlyName: 'api',
      add5xxRateAlarm: { Any: { maxErrorRate: 0.01, ...fewMinutes } },
    });
    for (const monitored of functions) {
      facade.monitorLambdaFunction({
        lambdaFunction: monitored,
        humanReadableName: monitored.node.id,
        alarmFriendlyName: monitored.node.id,
        addFaultCountAlarm: { Any: { maxErrorCount: 0, ...fewMinutes } },
        addThrottlesCountAlarm: { Any: { maxErrorCount: 0, ...fewMinutes } },
      });
    }
    facade.monitorDynamoTable({
      table: store.table as ITable,
      humanReadableName: 'Table',
      alarmFriendlyName: 'table',
      addReadThrottledEventsCountAlarm: { Any: { maxThrottledEventsThreshold: 0, ...fewMinutes } },
      addWriteThrottledEventsCountAlarm: { Any: { maxThrottledEventsThreshold: 0, ...fewMinutes } },
      addSystemErrorCountAlarm: { Any: { maxErrorCount: 0, ...fewMinutes } },
    });
    facade.monitorSqsQueue({
      queue: failures,
      humanReadableName: 'Failures',
      alarmFriendlyName: 'failures',
      addQueueMaxSizeAlarm: { Any: { maxMessageCount: 0, evaluationPeriods: 1, datapointsToAlarm: 1 } },
    });
  }
}
