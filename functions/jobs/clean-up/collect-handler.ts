import { serve } from '../../platform/http.ts';
import { lambdaHandler } from '../../platform/lambda.ts';
import { checkpointRoom } from '../checkpoint-environment.ts';
import { collectRoutes } from '../checkpoint-routes.ts';

/** Serves operators who collect the orphans of one group; on its own, so that only it may delete anything. */
export const handler = lambdaHandler(serve(collectRoutes(checkpointRoom())));
