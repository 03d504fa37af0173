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
export const catalogue = {
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
