import { archivesRoom } from '../backups/attempt/archives-environment.ts';
import { cutterRoom } from '../backups/attempt/cut-environment.ts';
import { backupOwnersTable } from '../backups/backup-owners-table.ts';
import { backupRoomWithWorkflow } from '../backups/environment.ts';
import { backupRoutes } from '../backups/routes.ts';
import { policyRoutes } from '../backups/schedule/policy-routes.ts';
import { backupSettings } from '../backups/settings.ts';
import { attemptRoutes } from '../backups/worker/worker-routes.ts';
import { journalFromEnvironment } from '../leadership/journal-environment.ts';
import { documentClient } from '../platform/aws.ts';
import { serve } from '../platform/http.ts';
import { lambdaHandler } from '../platform/lambda.ts';
import { requestKeysFromEnvironment } from '../platform/request-keys-table.ts';
import { restoreRoomWithLaunch } from '../restore/environment.ts';
import { deletionRoutes, restoreRoutes } from '../restore/routes.ts';

const restores = restoreRoomWithLaunch();
const backups = {
  ...backupRoomWithWorkflow(),
  archives: archivesRoom(),
  cutter: cutterRoom(),
  owners: backupOwnersTable(documentClient(), backupSettings().table),
  groups: restores.groups,
};

/**
 * Serves backups, their attempts, policies and restores. Completes task tokens, so it cannot be a task of the workflow.
 */
export const handler = lambdaHandler(
  serve(
    [
      ...backupRoutes(backups),
      ...attemptRoutes(backups),
      ...policyRoutes({ ...restores, settings: backups.settings }),
      ...restoreRoutes(restores),
      ...deletionRoutes(restores),
    ],
    { keys: requestKeysFromEnvironment(), noted: journalFromEnvironment() },
  ),
);
