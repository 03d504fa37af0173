import { backupOperations } from '../backups/schema.ts';
import { workerOperations } from '../backups/workers/worker-schema.ts';
import { checkpointOperations } from '../checkpoints/schema.ts';
import { jobOperations } from '../jobs/schema.ts';
import { leadershipOperations } from '../leadership/schema.ts';
import { logOperations } from '../log/schema.ts';
import type { Operation } from '../platform/operation.ts';
import { operationsOperations } from './schema.ts';

/** Every operation of the HTTP API by its name; the routes, the throttles and the OpenAPI document are made from it. */
export const catalogue = {
  ...leadershipOperations,
  ...jobOperations,
  ...checkpointOperations,
  ...logOperations,
  ...backupOperations,
  ...workerOperations,
  ...operationsOperations,
} satisfies Record<string, Operation>;
