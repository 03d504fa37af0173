import type { StateMachine } from 'aws-cdk-lib/aws-stepfunctions';
import type { Construct } from 'constructs';
import { createBackupWorkflow } from './backup-workflow.ts';
import { deleteFromTarget, readSource, readTarget, writeTarget } from './foreign-prefixes.ts';
import { createRestoreWorkflow } from './restore-workflow.ts';
import type { Settings } from './settings.ts';
import {
  copyToPayloads,
  deleteArchives,
  deletePayloads,
  discardEntries,
  keepContents,
  keepRecords,
  listGroups,
  readArchives,
  readPayloads,
  readUploadedBackups,
  useReplicas,
  writeArchives,
  writeUploadedBackups,
} from './store-grants.ts';
import { patientTries, TenureFunction } from './tenure-function.ts';
import type { TenureStore } from './tenure-store.ts';

export interface BackupFunctionsProps {
  settings: Settings;
  store: TenureStore;
}

export interface BackupFunctions {
  backups: TenureFunction;
  workers: TenureFunction;
  sweep: TenureFunction;
  /** Tasks of the workflows. */
  tasks: TenureFunction[];
  backup: StateMachine;
  restore: StateMachine;
}

const completions = ['states:SendTaskSuccess', 'states:SendTaskFailure', 'states:SendTaskHeartbeat'];

/**
 * The functions of backups and restores: the tasks of the two workflows, by what they may touch; the two behind the
 * API; one for the minute. Only those that are no tasks start the workflows and complete their tokens: else each would
 * need the other to be created first.
 */
export function createBackupFunctions(scope: Construct, props: BackupFunctionsProps): BackupFunctions {
  const { settings, store } = props;
  const timeouts = timeoutsOf(settings);
  const environment = {
    ...timeouts,
    TENURE_BUCKET: store.bucket.bucketName,
    TENURE_REPLICA_TABLES: store.replicas.map(({ address }) => address).join(','),
    TENURE_RESTORE_SOURCES: settings.restoreSources.join(','),
    TENURE_BACKUP_TARGETS: settings.backupTargets.join(','),
    TENURE_DELEGATION: settings.delegation,
    TENURE_HELD_POLLS: settings.heldPolls,
    TENURE_MOST_JOBS: String(settings.limits.jobs),
    TENURE_MOST_BACKUPS: String(settings.limits.backups),
    TENURE_MOST_WORKERS: String(settings.limits.workers),
    TENURE_STATE_LOCK_MS: String(settings.cut.lockMs),
    TENURE_CUT_TRIES: String(settings.cut.tries),
    TENURE_CUT_PAUSE_MS: String(settings.cut.pauseMs),
    TENURE_CUT_FREE_PASSES: String(settings.cut.freePasses),
    TENURE_CUT_PASSES: String(settings.cut.passes),
  };
  const tasks = createTasks(scope, { ...props, environment });
  const { restore: step, ...backupTasks } = tasks;
  const backup = createBackupWorkflow(scope, { settings, functions: backupTasks });
  const restore = createRestoreWorkflow(scope, { settings, step });
  const starting = { ...environment, TENURE_BACKUP_WORKFLOW: backup.arn, TENURE_RESTORE_WORKFLOW: restore.arn };

  const backups = new TenureFunction(scope, 'backups', {
    ...props,
    environment: starting,
    timeoutSeconds: 29,
    memoryMiB: 1_024,
  });
  writeArchives(backups, store);
  for (const target of settings.backupTargets) writeTarget(backups, target);
  readSources(backups, props);
  writeUploadedBackups(backups, store);
  const sweep = new TenureFunction(scope, 'backup-sweep', {
    ...props,
    environment: starting,
    timeoutSeconds: 55,
    storeTries: patientTries,
    traced: false,
  });
  listGroups(sweep, store);
  deletePayloads(sweep, store);
  // Of a group that is deleted.
  deletePayloads(backups, store);
  discardEntries(backups, store);
  backups.allow(['dynamodb:ConditionCheckItem'], store.table.tableArn);
  for (const one of [backups, sweep]) {
    keepRecords(one, store);
    useReplicas(one, store);
    deleteArchives(one, store);
    for (const target of settings.backupTargets) deleteFromTarget(one, target);
    one.allow(['states:StartExecution'], backup.arn, restore.arn);
    one.allow(completions, backup.arn);
  }

  const workers = new TenureFunction(scope, 'workers', {
    ...props,
    environment: { ...timeouts, TENURE_BACKUP_WORKFLOW: backup.arn, TENURE_HELD_POLLS: settings.heldPolls },
    timeoutSeconds: 29,
    memoryMiB: 256,
  });
  keepRecords(workers, store);
  workers.allow(completions, backup.arn);
  return {
    backups,
    workers,
    sweep,
    tasks: Object.values(tasks),
    backup: backup.machine,
    restore: restore.machine,
  };
}

const timeoutsOf = ({ backupTimeouts: { answerMs, suspendMs, abandonMs, attemptMs } }: Settings) => ({
  TENURE_ANSWER_TIMEOUT_MS: String(answerMs),
  TENURE_SUSPEND_TIMEOUT_MS: String(suspendMs),
  TENURE_ABANDON_TIMEOUT_MS: String(abandonMs),
  TENURE_ATTEMPT_TIMEOUT_MS: String(attemptMs),
});

function createTasks(
  scope: Construct,
  { environment, ...props }: BackupFunctionsProps & { environment: Record<string, string> },
): Record<'records' | 'cut' | 'work' | 'restore', TenureFunction> {
  const { settings, store } = props;
  const task = { ...props, environment, storeTries: patientTries };
  const records = new TenureFunction(scope, 'backup-records', { ...task, timeoutSeconds: 30 });

  // It has to lock all logs of a group, and to look at them again within 5 s.
  const cut = new TenureFunction(scope, 'backup-cut', { ...task, timeoutSeconds: 300, memoryMiB: 1_024 });
  useReplicas(cut, store);
  deletePayloads(cut, store);
  deleteArchives(cut, store);
  for (const target of settings.backupTargets) deleteFromTarget(cut, target);
  keepContents(cut, store);

  const work = new TenureFunction(scope, 'backup-work', {
    ...task,
    timeoutSeconds: 900,
    memoryMiB: 1_024,
  });
  useReplicas(work, store);
  writeArchives(work, store);
  for (const target of settings.backupTargets) writeTarget(work, target);

  const restore = new TenureFunction(scope, 'restore-step', {
    ...task,
    timeoutSeconds: 900,
    memoryMiB: 1_769,
  });
  readSources(restore, props);
  for (const target of settings.backupTargets) readTarget(restore, target);
  restore.allow(['dynamodb:ConditionCheckItem'], store.table.tableArn);
  useReplicas(restore, store);
  discardEntries(restore, store);
  readPayloads(restore, store);
  copyToPayloads(restore, store);

  const tasks = { records, cut, work, restore };
  for (const one of Object.values(tasks)) keepRecords(one, store);
  return tasks;
}

/** Reads backups of the deployment's own, those that were uploaded, and those that lie where the settings say. */
function readSources(one: TenureFunction, { settings, store }: BackupFunctionsProps): void {
  readArchives(one, store);
  readUploadedBackups(one, store);
  for (const source of settings.restoreSources) readSource(one, source);
}
