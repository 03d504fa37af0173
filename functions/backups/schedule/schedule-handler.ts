import { documentClient } from '../../platform/aws.ts';
import { logged, logger } from '../../platform/logging.ts';
import { archivesRoom } from '../archive/archives-room.ts';
import { restoreRoomWithLaunch } from '../restore/restore-room.ts';
import { reviveRestores } from '../restore/restore-steps.ts';
import { backupRoomWithWorkflow } from '../room.ts';
import { backupSettings } from '../settings.ts';
import { policyTable } from './policy-table.ts';
import { tick } from './schedule.ts';

const policies = policyTable(documentClient(), backupSettings().table);
const room = { ...backupRoomWithWorkflow(), archives: archivesRoom(), policies };
const restores = restoreRoomWithLaunch();

/** Run by the schedule every minute. */
export const handler = logged(async () => {
  logger.info('ticked', { ...(await tick(room)) });
  await reviveRestores(restores);
});
