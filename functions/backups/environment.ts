import { systemClock } from '../../store/clock.ts';
import { documentClient, sfnClient } from '../platform/aws.ts';
import { workflowClient } from './attempt/workflow-client.ts';
import { backupTable } from './backup-table.ts';
import type { Backups, WithWorkflow } from './backups.ts';
import { backupSettings, workflowArn } from './settings.ts';
import { WorkerTable } from './worker/worker-table.ts';

/** Builds the room once per Lambda environment, from its variables. */
export function backupRoom(): Backups {
  const { table, ...settings } = backupSettings();
  const client = documentClient();
  return { store: backupTable(client, table), workers: new WorkerTable(client, table), clock: systemClock, settings };
}

/** The same for the functions that start the workflow and answer its tasks. */
export function backupRoomWithWorkflow(): WithWorkflow {
  return { ...backupRoom(), workflow: workflowClient(sfnClient(), workflowArn()) };
}
