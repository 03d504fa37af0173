import { documentClient } from '../platform/aws.ts';
import { logged, logger } from '../platform/logging.ts';
import { archivesRoom } from './archives-room.ts';
import { policyTable } from './policy-table.ts';
import { restoreRoomWithLaunch } from './restore-room.ts';
import { reviveRestores } from './restore-steps.ts';
import { backupRoomWithWorkflow } from './room.ts';
import { tick } from './schedule.ts';
import { backupSettings } from './settings.ts';

const policies = policyTable(documentClient(), backupSettings().table);
const room = { ...backupRoomWithWorkflow(), archives: archivesRoom(), policies };
const restores = restoreRoomWithLaunch();

/** Run by the schedule every minute. */
export const handler = logged(async () => {
  logger.info('ticked', { ...(await tick(room)) });
  await reviveRestores(restores);
});
