import { serve } from '../platform/http.ts';
import { lambdaHandler } from '../platform/lambda.ts';
import { replicasRoom } from './room.ts';
import { logRoutes } from './routes.ts';

export const handler = lambdaHandler(serve(logRoutes(replicasRoom())));
