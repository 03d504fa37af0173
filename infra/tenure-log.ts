import type { StateMachine } from 'aws-cdk-lib/aws-stepfunctions';
import type { Construct } from 'constructs';
import { createRecoverReplica } from './recover-replica.ts';
import type { Settings } from './settings.ts';
import { discardEntries, listGroups, useReplicas } from './store-grants.ts';
import { patientTries, TenureFunction } from './tenure-function.ts';
import type { TenureStore } from './tenure-store.ts';

export interface LogFunctionsProps {
  settings: Settings;
  store: TenureStore;
}

export interface LogFunctions {
  log: TenureFunction;
  sweep: TenureFunction;
  recover: TenureFunction;
  recovery: StateMachine;
}

/**
 * The functions of the replicated log: one behind the API, one for the minute, and one with the tasks of the workflow
 * that recovers a replica. The first two start recoveries, so they cannot be tasks of that workflow: each would need
 * the other to be created first.
 */
export function createLogFunctions(scope: Construct, props: LogFunctionsProps): LogFunctions {
  const { settings, store } = props;
  const environment = {
    TENURE_REPLICA_TABLES: store.replicas.map(({ address }) => address).join(','),
    TENURE_MOST_LOGS: String(settings.limits.logs),
    TENURE_STATE_LOCK_MS: String(settings.cut.lockMs),
  };

  const recover = new TenureFunction(scope, 'recover', {
    ...props,
    environment,
    timeoutSeconds: 60,
    storeTries: patientTries,
  });
  // Notes how far it has come.
  recover.allow(['dynamodb:UpdateItem'], store.table.tableArn);
  const recovery = createRecoverReplica(scope, { settings, functions: { recover } });

  const starting = { ...environment, TENURE_RECOVERY_WORKFLOW: recovery.arn };
  const log = new TenureFunction(scope, 'log', {
    ...props,
    environment: starting,
    timeoutSeconds: 29,
    memoryMiB: 1_024,
  });
  log.allow(['dynamodb:UpdateItem', 'dynamodb:Query', 'dynamodb:PutItem'], store.table.tableArn);
  log.allowExecutions(['states:StopExecution'], recovery.machine);
  const sweep = new TenureFunction(scope, 'log-sweep', {
    ...props,
    environment: starting,
    timeoutSeconds: 55,
    storeTries: patientTries,
    traced: false,
  });
  sweep.allow(['dynamodb:Query', 'dynamodb:PutItem', 'dynamodb:UpdateItem'], store.table.tableArn);
  listGroups(sweep, store);

  for (const one of [log, sweep]) {
    one.allow(['states:StartExecution', 'states:ListExecutions'], recovery.arn);
    discardEntries(one, store);
  }
  for (const one of [log, sweep, recover]) {
    one.allow(['dynamodb:GetItem'], store.table.tableArn);
    useReplicas(one, store);
  }
  return { log, sweep, recover, recovery: recovery.machine };
}
