import { leadershipFromEnvironment } from '../leadership/environment.ts';
import { contendRoutes } from '../leadership/routes.ts';
import { serve } from '../platform/http.ts';
import { lambdaHandler } from '../platform/lambda.ts';

/** Separate function: contention must not starve renewals. */
export const handler = lambdaHandler(serve(contendRoutes(leadershipFromEnvironment())));
