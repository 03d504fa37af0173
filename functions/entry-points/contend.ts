import { leadershipFromEnvironment } from '../leadership/environment.ts';
import { journalFromEnvironment } from '../leadership/journal-environment.ts';
import { contendRoutes } from '../leadership/routes.ts';
import { serve } from '../platform/http.ts';
import { lambdaHandler } from '../platform/lambda.ts';

const noted = journalFromEnvironment({ answersFirst: true });

/** Separate function: contention must not starve renewals. */
export const handler = lambdaHandler(serve(contendRoutes(leadershipFromEnvironment()), { noted }));
