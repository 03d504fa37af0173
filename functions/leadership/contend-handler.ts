import { serve } from '../platform/http.ts';
import { lambdaHandler } from '../platform/lambda.ts';
import { leadershipRoom } from './environment.ts';
import { contendRoutes } from './routes.ts';

export const handler = lambdaHandler(serve(contendRoutes(leadershipRoom())));
