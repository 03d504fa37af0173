import { serve } from '../platform/http.ts';
import { lambdaHandler } from '../platform/lambda.ts';
import { restoreRoomWithLaunch } from './environment.ts';
import { policyRoutes, restoreRoutes } from './routes.ts';

const room = restoreRoomWithLaunch();

/** Serves restores and backup policies. */
export const handler = lambdaHandler(serve([...restoreRoutes(room), ...policyRoutes(room)]));
