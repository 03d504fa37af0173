import { Construct } from 'constructs';
import { everyMinute } from './every-minute.ts';
import type { Settings } from './settings.ts';
import { TenureApi } from './tenure-api.ts';
import { TenureFunction } from './tenure-function.ts';
import type { TenureStore } from './tenure-store.ts';

export interface TenureServiceProps {
  settings: Settings;
  store: TenureStore;
}

/** What runs: the functions with exactly the permissions that they need, the API in front of them, the schedules. */
export class TenureService extends Construct {
  readonly api: TenureApi;

  constructor(scope: Construct, id: string, props: TenureServiceProps) {
    super(scope, id);
    const { table, groupsIndexArn, bucket } = props.store;

    const lease = new TenureFunction(this, 'Lease', { ...props, entry: 'leadership/lease-handler.ts' });
    lease.allow(
      ['dynamodb:GetItem', 'dynamodb:UpdateItem', 'dynamodb:PutItem', 'dynamodb:ConditionCheckItem'],
      table.tableArn,
    );

    // On its own, so that no storm of contenders takes a leader's renewal its place.
    const contend = new TenureFunction(this, 'Contend', { ...props, entry: 'leadership/contend-handler.ts' });
    contend.allow(
      ['dynamodb:GetItem', 'dynamodb:Query', 'dynamodb:UpdateItem', 'dynamodb:PutItem', 'dynamodb:ConditionCheckItem'],
      table.tableArn,
    );

    const operate = new TenureFunction(this, 'Operate', {
      ...props,
      entry: 'operations/handler.ts',
      timeoutSeconds: 29,
    });
    operate.allow(
      ['dynamodb:GetItem', 'dynamodb:BatchGetItem', 'dynamodb:Query', 'dynamodb:UpdateItem'],
      table.tableArn,
    );
    operate.allow(['dynamodb:Query'], groupsIndexArn);
    operate.allow(['s3:ListBucket'], bucket.bucketArn);

    const sweep = new TenureFunction(this, 'Sweep', { ...props, entry: 'leadership/sweep.ts', timeoutSeconds: 55 });
    sweep.allow(['dynamodb:Query'], groupsIndexArn);
    sweep.allow(['dynamodb:GetItem', 'dynamodb:BatchGetItem', 'dynamodb:UpdateItem'], table.tableArn);
    everyMinute(sweep);

    this.api = new TenureApi(this, 'Api', { ...props, functions: { lease, contend, operate }, fallback: operate });
  }
}
