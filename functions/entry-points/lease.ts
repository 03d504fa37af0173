import { leadershipFromEnvironment } from '../leadership/environment.ts';
import { leaseRoutes } from '../leadership/routes.ts';
import { serve } from '../platform/http.ts';
import { lambdaHandler } from '../platform/lambda.ts';

/** What a leader does to keep its lease, and nothing else that could hold it up. */
export const handler = lambdaHandler(serve(leaseRoutes(leadershipFromEnvironment())));
