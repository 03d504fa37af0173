import { serve } from '../platform/http.ts';
import { lambdaHandler } from '../platform/lambda.ts';
import { checkpointRoom } from './room.ts';
import { collectRoutes } from './routes.ts';

/** Serves operators who collect the orphans of one group; on its own, so that only it may delete anything. */
export const handler = lambdaHandler(serve(collectRoutes(checkpointRoom())));
