import { Duration, Validations } from 'aws-cdk-lib';
import { Queue, QueueEncryption } from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';
import { everyMinute } from './every-minute.ts';
import type { Settings } from './settings.ts';
import { TenureApi } from './tenure-api.ts';
import { createBackupFunctions } from './tenure-backups.ts';
import { createEvents, type Events } from './tenure-events.ts';
import { TenureFunction } from './tenure-function.ts';
import { createJobFunctions } from './tenure-jobs.ts';
import { createLogFunctions } from './tenure-log.ts';
import { TenureMonitoring } from './tenure-monitoring.ts';
import type { TenureStore } from './tenure-store.ts';

export interface TenureServiceProps {
  settings: Settings;
  store: TenureStore;
}

/** The running parts: functions with exactly the permissions that they need, the API in front of them, the schedules. */
export class TenureService extends Construct {
  readonly api: TenureApi;
  readonly events: Events;
  readonly monitoring: TenureMonitoring;

  constructor(scope: Construct, id: string, props: TenureServiceProps) {
    super(scope, id);
    const { table, groupsIndexArn, bucket } = props.store;
    const failures = this.createFailures();

    const lease = new TenureFunction(this, 'lease', { ...props, entry: 'leadership/lease-handler.ts' });
    lease.allow(
      ['dynamodb:GetItem', 'dynamodb:UpdateItem', 'dynamodb:PutItem', 'dynamodb:ConditionCheckItem'],
      table.tableArn,
    );

    // On its own, so that no storm of contenders takes a leader's renewal its place.
    const contend = new TenureFunction(this, 'contend', { ...props, entry: 'leadership/contend-handler.ts' });
    contend.allow(
      ['dynamodb:GetItem', 'dynamodb:Query', 'dynamodb:UpdateItem', 'dynamodb:PutItem', 'dynamodb:ConditionCheckItem'],
      table.tableArn,
    );

    const operate = new TenureFunction(this, 'operate', {
      ...props,
      entry: 'operations/handler.ts',
      beside: ['docs/openapi.json'],
      timeoutSeconds: 29,
      environment: { TENURE_BUCKET: bucket.bucketName },
    });
    operate.allow(
      ['dynamodb:GetItem', 'dynamodb:BatchGetItem', 'dynamodb:Query', 'dynamodb:UpdateItem'],
      table.tableArn,
    );
    operate.allow(['dynamodb:Query'], groupsIndexArn);
    operate.allow(['s3:ListBucket'], bucket.bucketArn);

    const sweep = new TenureFunction(this, 'sweep', {
      ...props,
      entry: 'leadership/sweep-handler.ts',
      timeoutSeconds: 55,
    });
    sweep.allow(['dynamodb:GetItem', 'dynamodb:BatchGetItem', 'dynamodb:UpdateItem'], table.tableArn);
    sweep.allow(['dynamodb:Query'], groupsIndexArn);
    everyMinute(sweep, failures);

    const jobs = createJobFunctions(this, { ...props, failures });
    const logs = createLogFunctions(this, { ...props, failures });
    const backups = createBackupFunctions(this, { ...props, failures });
    this.events = createEvents(this, { ...props, failures });
    const functions = [lease, contend, operate, sweep, ...jobs, ...logs, ...backups, this.events.publisher];
    this.api = new TenureApi(this, 'Api', { ...props, functions, fallback: operate });
    this.monitoring = new TenureMonitoring(this, 'Monitoring', {
      ...props,
      functions,
      api: this.api,
      failures,
      publisher: this.events.publisher,
    });
    refuseUnknown(props.settings, functions);
  }

  /** Where a call ends up that nobody waits for and that failed for good. */
  private createFailures(): Queue {
    const failures = new Queue(this, 'Failures', {
      encryption: QueueEncryption.SQS_MANAGED,
      enforceSSL: true,
      retentionPeriod: Duration.days(14),
    });
    Validations.of(failures).acknowledge({
      id: 'AwsSolutions-SQS3',
      reason: 'It is itself the dead-letter queue, with an alarm on its first message.',
    });
    return failures;
  }
}

function refuseUnknown({ reservedConcurrency }: Settings, functions: TenureFunction[]): void {
  const names = functions.map(({ node }) => node.id);
  const unknown = Object.keys(reservedConcurrency).filter((name) => !names.includes(name));
  if (unknown.length === 0) return;
  throw new Error(`reservedConcurrency names ${unknown.join(', ')}; the functions are ${names.join(', ')}`);
}
