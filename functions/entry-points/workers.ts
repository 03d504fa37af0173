import { backupRoomWithWorkflow } from '../backups/environment.ts';
import { workerRoutes } from '../backups/worker/worker-routes.ts';
import { serve } from '../platform/http.ts';
import { lambdaHandler } from '../platform/lambda.ts';
import { requestKeysFromEnvironment } from '../platform/request-keys-table.ts';

/** Separate function, with little memory: a poll holds an instance for as long as its worker waits. */
export const handler = lambdaHandler(
  serve(workerRoutes(backupRoomWithWorkflow()), { keys: requestKeysFromEnvironment() }),
);
