import type { Context } from 'aws-lambda';
import { logged, logger } from '../../platform/logging.ts';
import { archivesRoom } from '../archive/archives-room.ts';
import { restoreRoomWithLaunch } from '../restore/restore-room.ts';
import { backupRoomWithWorkflow } from '../room.ts';
import { tick } from './schedule.ts';

const room = { ...restoreRoomWithLaunch(), ...backupRoomWithWorkflow(), archives: archivesRoom() };

/** Run by the schedule every minute. */
export const handler = logged(async (_event: unknown, context: Context) => {
  logger.info('ticked', { ...(await tick(room, () => context.getRemainingTimeInMillis())) });
});
