import { serve } from '../../platform/http.ts';
import { lambdaHandler } from '../../platform/lambda.ts';
import { replicasRoom } from '../environment.ts';
import { logRoutes } from '../http/routes.ts';

export const handler = lambdaHandler(serve(logRoutes(replicasRoom())));
