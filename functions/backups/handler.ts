import { documentClient } from '../platform/aws.ts';
import { serve } from '../platform/http.ts';
import { lambdaHandler } from '../platform/lambda.ts';
import { archivesRoom } from './attempt/archives-environment.ts';
import { cuttingRoom } from './attempt/cut-environment.ts';
import { backupOwnersTable } from './backup-owners-table.ts';
import { backupRoomWithWorkflow } from './environment.ts';
import { backupRoutes } from './routes.ts';
import { backupSettings } from './settings.ts';
import { attemptRoutes, workerRoutes } from './worker/worker-routes.ts';

const room = {
  ...backupRoomWithWorkflow(),
  archives: archivesRoom(),
  cutting: cuttingRoom(),
  owners: backupOwnersTable(documentClient(), backupSettings().table),
};

/** Serves backups, workers and attempts; it answers task tokens, so it is no task of the workflow. */
export const handler = lambdaHandler(serve([...backupRoutes(room), ...workerRoutes(room), ...attemptRoutes(room)]));
