import { leadershipFromEnvironment } from '../leadership/environment.ts';
import { journalFromEnvironment } from '../leadership/journal-environment.ts';
import { leaseRoutes } from '../leadership/routes.ts';
import { serve } from '../platform/http.ts';
import { lambdaHandler } from '../platform/lambda.ts';
import { requestKeysFromEnvironment } from '../platform/request-keys-table.ts';

const noted = journalFromEnvironment({ answersFirst: true });

/** The requests by which a leader keeps its lease, and nothing else that could hold them up. */
export const handler = lambdaHandler(
  serve(leaseRoutes(leadershipFromEnvironment()), { keys: requestKeysFromEnvironment(), noted }),
);
