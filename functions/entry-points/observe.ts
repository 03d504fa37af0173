import { leadershipFromEnvironment } from '../leadership/environment.ts';
import { journalFromEnvironment } from '../leadership/journal-environment.ts';
import { observeRoutes } from '../leadership/routes.ts';
import { serve } from '../platform/http.ts';
import { lambdaHandler } from '../platform/lambda.ts';

const noted = journalFromEnvironment({ answersFirst: true });

/** Separate function: a follower's request may be held, and must not occupy what renewals need. */
export const handler = lambdaHandler(serve(observeRoutes(leadershipFromEnvironment()), { noted }));
