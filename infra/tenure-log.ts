import type { Queue } from 'aws-cdk-lib/aws-sqs';
import type { Construct } from 'constructs';
import { everyMinute } from './every-minute.ts';
import { createRecoverReplica } from './recover-replica.ts';
import type { Settings } from './settings.ts';
import { TenureFunction } from './tenure-function.ts';
import type { TenureStore } from './tenure-store.ts';

export interface LogFunctionsProps {
  settings: Settings;
  store: TenureStore;
  failures: Queue;
}

/**
 * The functions of the replicated log: one behind the API, one for the minute, and the tasks of the workflow that recovers a replica.
 * Those that begin recoveries are no tasks of it, since a task that did would need it before it exists.
 */
export function createLogFunctions(scope: Construct, { failures, ...props }: LogFunctionsProps): TenureFunction[] {
  const { settings, store } = props;
  const environment = { TENURE_REPLICA_TABLES: store.replicas.map(({ address }) => address).join(',') };
  const folder = 'log/lambda/tasks';

  const round = new TenureFunction(scope, 'recover-round', {
    ...props,
    entry: `${folder}/round.ts`,
    environment,
    timeoutSeconds: 30,
  });
  const catchUp = new TenureFunction(scope, 'recover-catch-up', {
    ...props,
    entry: `${folder}/catch-up.ts`,
    environment,
    timeoutSeconds: 60,
  });
  const recovery = createRecoverReplica(scope, { settings, functions: { round, catchUp } });

  const serving = { ...environment, TENURE_RECOVERY_WORKFLOW: recovery.arn };
  const log = new TenureFunction(scope, 'log', {
    ...props,
    entry: 'log/lambda/handler.ts',
    environment: serving,
    timeoutSeconds: 29,
    memoryMiB: 1_024,
  });
  log.allow(['dynamodb:UpdateItem', 'dynamodb:Query'], store.table.tableArn);
  log.allowExecutions(['states:StopExecution'], recovery.machine);
  const sweep = new TenureFunction(scope, 'log-sweep', {
    ...props,
    entry: 'log/lambda/sweep-handler.ts',
    environment: serving,
    timeoutSeconds: 55,
  });
  sweep.allow(['dynamodb:Query'], store.groupsIndexArn);
  sweep.allow(['dynamodb:Query', 'dynamodb:PutItem'], store.table.tableArn);
  everyMinute(sweep, failures);

  for (const one of [log, sweep]) {
    one.allow(['states:StartExecution', 'states:ListExecutions'], recovery.arn);
    // Leftovers of a truncation.
    one.allow(['dynamodb:BatchWriteItem'], ...store.replicas.map(({ tableArn }) => tableArn));
  }
  for (const one of [log, sweep, round, catchUp]) {
    one.allow(['dynamodb:GetItem'], store.table.tableArn);
    useReplicas(one, store);
  }
  return [log, sweep, round, catchUp];
}

function useReplicas(one: TenureFunction, { replicas }: TenureStore): void {
  one.allow(
    ['dynamodb:DescribeTable', 'dynamodb:GetItem', 'dynamodb:Query', 'dynamodb:PutItem', 'dynamodb:UpdateItem'],
    ...replicas.map(({ tableArn }) => tableArn),
  );
}
