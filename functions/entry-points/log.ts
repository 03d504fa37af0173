import { journalFromEnvironment } from '../leadership/journal-environment.ts';
import { replicasRoom } from '../log/environment.ts';
import { logRoutes } from '../log/routes.ts';
import { serve } from '../platform/http.ts';
import { lambdaHandler } from '../platform/lambda.ts';
import { requestKeysFromEnvironment } from '../platform/request-keys-table.ts';

/** Serves logs and what operators ask of replicas. */
export const handler = lambdaHandler(
  serve(logRoutes(replicasRoom()), { keys: requestKeysFromEnvironment(), noted: journalFromEnvironment() }),
);
