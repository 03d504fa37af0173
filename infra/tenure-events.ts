import { ArnFormat, Aws, Duration, Fn, Stack, Validations } from 'aws-cdk-lib';
import { CfnRule, EventBus } from 'aws-cdk-lib/aws-events';
import { type IRole, PolicyDocument, PolicyStatement, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { FilterCriteria, StartingPosition } from 'aws-cdk-lib/aws-lambda';
import { SqsDlq } from 'aws-cdk-lib/aws-lambda-event-sources';
import { type CfnLogGroup, LogGroup } from 'aws-cdk-lib/aws-logs';
import type { Queue } from 'aws-cdk-lib/aws-sqs';
import type { Construct } from 'constructs';
import { eventSource } from '../api/events.ts';
import { eventFilters } from './event-filter.ts';
import { removalPolicyOf } from './retention.ts';
import type { Settings } from './settings.ts';
import { patientTries, TenureFunction } from './tenure-function.ts';
import type { TenureStore } from './tenure-store.ts';

export interface EventsProps {
  settings: Settings;
  store: TenureStore;
  failures: Queue;
}

export interface Events {
  bus: EventBus;
  /** Keeps what was published, for `tenure events tail`. */
  log: LogGroup;
  publisher: TenureFunction;
}

/** The bus, the function that tells it what the main table's stream says, and a log of what was published. */
export function createEvents(scope: Construct, { failures, ...props }: EventsProps): Events {
  const bus = new EventBus(scope, 'Events', { eventBusName: nameOf(scope) });
  const publisher = new TenureFunction(scope, 'events', {
    ...props,
    environment: { TENURE_EVENT_BUS: bus.eventBusName, TENURE_FAILURES_QUEUE: failures.queueUrl },
    timeoutSeconds: 60,
    storeTries: patientTries,
  });
  publisher.allow(['events:PutEvents'], bus.eventBusArn);
  publisher.allow(['sqs:SendMessage'], failures.queueArn);
  publisher.addEventSourceMapping('Stream', {
    eventSourceArn: readStream(publisher, props.store),
    startingPosition: StartingPosition.TRIM_HORIZON,
    batchSize: 100,
    filters: eventFilters.map((filter) => FilterCriteria.filter(filter)),
    reportBatchItemFailures: true,
    bisectBatchOnError: true,
    // A bus that does not answer is waited for; what can never become an event the function sets aside itself.
    retryAttempts: 10_000,
    maxRecordAge: Duration.hours(12),
    onFailure: new SqsDlq(failures),
  });
  return { bus, log: keepEvents(scope, bus, failures, props.settings), publisher };
}

function readStream(publisher: TenureFunction, { table }: TenureStore): string {
  const stream = table.tableStreamArn as string;
  publisher.allow(['dynamodb:DescribeStream', 'dynamodb:GetRecords', 'dynamodb:GetShardIterator'], stream);
  // Lambda asks for this one on whatever streams the table has had.
  publisher.allow(['dynamodb:ListStreams'], `${table.tableArn}/stream/*`);
  const tableId = Stack.of(table).getLogicalId(table.node.defaultChild as never);
  Validations.of(publisher.role as IRole).acknowledge({
    id: `AwsSolutions-IAM5[Resource::<${tableId}.Arn>/stream/*]`,
    reason: 'The name of a stream is the instant at which it was made; the action only lists them.',
  });
  return stream;
}

/** The stack's name in it tells the stages of an account apart. */
function nameOf(scope: Construct): string {
  return `${Stack.of(scope).stackName}-events`;
}

/** EventBridge writes only to groups below /aws/events/. Events that it cannot write end in the queue. */
function keepEvents(scope: Construct, bus: EventBus, failures: Queue, settings: Settings): LogGroup {
  const stackInstance = Fn.select(2, Fn.split('/', Aws.STACK_ID));
  const logGroupName = `/aws/events/${Aws.STACK_NAME}-${stackInstance}`;
  const log = new LogGroup(scope, 'EventLog', {
    logGroupName,
    retention: settings.logRetentionDays,
    removalPolicy: removalPolicyOf(settings),
  });
  const arn = Stack.of(scope).formatArn({
    service: 'logs',
    resource: 'log-group',
    resourceName: logGroupName,
    arnFormat: ArnFormat.COLON_RESOURCE_NAME,
  });
  const rule = new CfnRule(scope, 'KeepEvents', {
    description: 'Keeps the events of Tenure in a log',
    eventBusName: bus.eventBusName,
    eventPattern: { source: [eventSource] },
    targets: [{ id: 'log', arn, deadLetterConfig: { arn: failures.queueArn } }],
  });
  const ofRule = { ArnEquals: { 'aws:SourceArn': rule.attrArn } };
  allowWriters(log, arn, rule.attrArn);
  failures.addToResourcePolicy(
    new PolicyStatement({
      principals: [new ServicePrincipal('events.amazonaws.com')],
      actions: ['sqs:SendMessage'],
      resources: [failures.queueArn],
      conditions: ofRule,
    }),
  );
  return log;
}

/** The group's own policy: an account has ten others in a Region, for all that it runs. */
function allowWriters(log: LogGroup, logArn: string, ruleArn: string): void {
  const principals = ['events.amazonaws.com', 'delivery.logs.amazonaws.com'].map((name) => new ServicePrincipal(name));
  const resources = [`${logArn}:*`];
  (log.node.defaultChild as CfnLogGroup).resourcePolicyDocument = new PolicyDocument({
    statements: [
      new PolicyStatement({ principals, actions: ['logs:CreateLogStream'], resources }),
      new PolicyStatement({
        principals,
        actions: ['logs:PutLogEvents'],
        resources,
        conditions: { ArnEquals: { 'aws:SourceArn': ruleArn } },
      }),
    ],
  });
}
