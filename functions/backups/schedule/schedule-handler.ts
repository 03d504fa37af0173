import type { Context } from 'aws-lambda';
import { logged, logger } from '../../platform/logging.ts';
import { restoreRoomWithLaunch } from '../../restore/environment.ts';
import { archivesRoom } from '../attempt/archives-environment.ts';
import { backupRoomWithWorkflow } from '../environment.ts';
import { tick } from './schedule.ts';

const room = { ...restoreRoomWithLaunch(), ...backupRoomWithWorkflow(), archives: archivesRoom() };

/** Run by the schedule every minute. */
export const handler = logged(async (_event: unknown, context: Context) => {
  logger.info('ticked', { ...(await tick(room, () => context.getRemainingTimeInMillis())) });
});
