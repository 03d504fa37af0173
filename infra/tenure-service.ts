import { Duration, Validations } from 'aws-cdk-lib';
import { Queue, QueueEncryption } from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';
import type { Settings } from './settings.ts';
import { listBucket, listGroups } from './store-grants.ts';
import { TenureApi } from './tenure-api.ts';
import { createBackupFunctions } from './tenure-backups.ts';
import { createEvents, type Events } from './tenure-events.ts';
import { TenureFunction } from './tenure-function.ts';
import { createJobFunction } from './tenure-jobs.ts';
import { createLogFunctions } from './tenure-log.ts';
import { createMinute } from './tenure-minute.ts';
import { TenureMonitoring } from './tenure-monitoring.ts';
import type { TenureStore } from './tenure-store.ts';

export interface TenureServiceProps {
  settings: Settings;
  store: TenureStore;
}

/**
 * The running parts: functions with exactly the permissions that they need, the API in front of them, the schedules.
 */
export class TenureService extends Construct {
  readonly api: TenureApi;
  readonly events: Events;
  readonly monitoring: TenureMonitoring;

  constructor(scope: Construct, id: string, props: TenureServiceProps) {
    super(scope, id);
    const { table } = props.store;
    const failures = this.createFailures();

    const lease = new TenureFunction(this, 'lease', props);
    lease.allow(['dynamodb:GetItem', 'dynamodb:UpdateItem', 'dynamodb:PutItem'], table.tableArn);

    // Separate function: contention must not starve renewals.
    const contend = new TenureFunction(this, 'contend', props);
    contend.allow(['dynamodb:GetItem', 'dynamodb:Query', 'dynamodb:UpdateItem', 'dynamodb:PutItem'], table.tableArn);

    // A held request occupies an instance, as a worker's poll does.
    const observe = new TenureFunction(this, 'observe', { ...props, timeoutSeconds: 29, memoryMiB: 256 });
    observe.allow(['dynamodb:GetItem', 'dynamodb:UpdateItem', 'dynamodb:PutItem'], table.tableArn);

    const operate = this.createOperate(props);
    const jobs = createJobFunction(this, props);
    const logs = createLogFunctions(this, props);
    const backups = createBackupFunctions(this, props);
    const sweeps = { log: logs.sweep, backup: backups.sweep };
    const minute = createMinute(this, { ...props, failures, sweeps });
    this.events = createEvents(this, { ...props, failures });

    const serving = {
      lease,
      contend,
      observe,
      operate,
      jobs,
      log: logs.log,
      backups: backups.backups,
      workers: backups.workers,
    };
    const tasks = [logs.recover, ...backups.tasks];
    const functions = [...Object.values(serving), minute, ...Object.values(sweeps), ...tasks, this.events.publisher];
    this.api = new TenureApi(this, 'Api', { ...props, serving, fallback: operate });
    this.monitoring = new TenureMonitoring(this, 'Monitoring', {
      ...props,
      functions,
      lease,
      api: this.api,
      failures,
      publisher: this.events.publisher,
      workflows: { backup: backups.backup, restore: backups.restore, 'recover-replica': logs.recovery },
    });
    refuseUnknown(props.settings, functions);
  }

  private createOperate(props: TenureServiceProps): TenureFunction {
    const { table, bucket } = props.store;
    const operate = new TenureFunction(this, 'operate', {
      ...props,
      beside: ['docs/openapi.json'],
      timeoutSeconds: 29,
      environment: { TENURE_BUCKET: bucket.bucketName },
    });
    operate.allow(
      ['dynamodb:GetItem', 'dynamodb:BatchGetItem', 'dynamodb:Query', 'dynamodb:UpdateItem', 'dynamodb:PutItem'],
      table.tableArn,
    );
    listGroups(operate, props.store);
    listBucket(operate, props.store);
    return operate;
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
