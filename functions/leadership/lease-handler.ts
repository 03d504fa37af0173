import { serve } from '../platform/http.ts';
import { lambdaHandler } from '../platform/lambda.ts';
import { leadershipRoom } from './environment.ts';
import { leaseRoutes } from './routes.ts';

export const handler = lambdaHandler(serve(leaseRoutes(leadershipRoom())));
