import type { Operation } from './operation.ts';
import { backupOperations } from './operations/backups.ts';
import { checkpointOperations } from './operations/checkpoints.ts';
import { jobOperations } from './operations/jobs.ts';
import { leadershipOperations } from './operations/leadership.ts';
import { logOperations } from './operations/log.ts';
import { logReplicaOperations } from './operations/log-replicas.ts';
import { restoreOperations } from './operations/restore.ts';
import { operationsOperations } from './operations/service.ts';
import { workerOperations } from './operations/workers.ts';

/** Every operation of the HTTP API by its name; the routes, the throttles and the OpenAPI document are made from it. */
export const catalogue: typeof leadershipOperations &
  typeof jobOperations &
  typeof checkpointOperations &
  typeof logOperations &
  typeof logReplicaOperations &
  typeof backupOperations &
  typeof restoreOperations &
  typeof workerOperations &
  typeof operationsOperations = {
  ...leadershipOperations,
  ...jobOperations,
  ...checkpointOperations,
  ...logOperations,
  ...logReplicaOperations,
  ...backupOperations,
  ...restoreOperations,
  ...workerOperations,
  ...operationsOperations,
} satisfies Record<string, Operation>;

/** The same by subject, as the API's documents group them. */
export const subjects: readonly {
  readonly name: string;
  readonly description: string;
  readonly operations: Readonly<Record<string, Operation>>;
}[] = [
  { name: 'leadership', description: 'Who leads a group, and its terms', operations: leadershipOperations },
  { name: 'jobs', description: 'Jobs, their graphs and uploads', operations: jobOperations },
  { name: 'checkpoints', description: 'Checkpoints and recovery', operations: checkpointOperations },
  { name: 'log', description: 'The replicated log', operations: { ...logOperations, ...logReplicaOperations } },
  { name: 'backups', description: 'Backups and their schedule', operations: backupOperations },
  { name: 'restores', description: 'Restoring a backup into a group', operations: restoreOperations },
  { name: 'workers', description: 'Backup workers and their attempts', operations: workerOperations },
  { name: 'service', description: 'The service itself', operations: operationsOperations },
];
