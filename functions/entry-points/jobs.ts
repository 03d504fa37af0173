import { checkpointRoutes, collectRoutes } from '../jobs/checkpoint-routes.ts';
import { checkpointRoom } from '../jobs/environment.ts';
import { jobRoutes } from '../jobs/routes.ts';
import { journalFromEnvironment } from '../leadership/journal-environment.ts';
import { serve } from '../platform/http.ts';
import { lambdaHandler } from '../platform/lambda.ts';
import { requestKeysFromEnvironment } from '../platform/request-keys-table.ts';

const room = checkpointRoom();

/** Serves jobs, checkpoints, and the collection of one group's orphans. */
export const handler = lambdaHandler(
  serve([...jobRoutes(room), ...checkpointRoutes(room), ...collectRoutes(room)], {
    keys: requestKeysFromEnvironment(),
    noted: journalFromEnvironment(),
  }),
);
