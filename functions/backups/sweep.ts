import type { Context } from 'aws-lambda';
import { logged, logger } from '../platform/logging.ts';
import { archivesRoom } from './archive/archives-room.ts';
import { cuttingRoom } from './cut/cutting-room.ts';
import { backupRoomWithWorkflow } from './room.ts';
import { sweep } from './sweeping.ts';

const room = { ...backupRoomWithWorkflow(), archives: archivesRoom(), cutting: cuttingRoom() };

/** Run by the schedule every minute. */
export const handler = logged(async (_event: unknown, context: Context) => {
  logger.info('swept', { ...(await sweep(room, () => context.getRemainingTimeInMillis())) });
});
