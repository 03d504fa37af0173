import { serve } from '../platform/http.ts';
import { lambdaHandler } from '../platform/lambda.ts';
import { archivesRoom } from './archive/archives-room.ts';
import { cuttingRoom } from './cut/cutting-room.ts';
import { backupRoomWithWorkflow } from './room.ts';
import { backupRoutes } from './routes.ts';
import { attemptRoutes, workerRoutes } from './workers/worker-routes.ts';

const room = {
  ...backupRoomWithWorkflow(),
  archives: archivesRoom(),
  cutting: cuttingRoom(),
};

/** Serves backups, workers and attempts; it answers task tokens, so it is no task of the workflow. */
export const handler = lambdaHandler(serve([...backupRoutes(room), ...workerRoutes(room), ...attemptRoutes(room)]));
