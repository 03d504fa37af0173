import type { Context } from 'aws-lambda';
import { logged, logger } from '../platform/logging.ts';
import { archivesRoom } from './attempt/archives-environment.ts';
import { cuttingRoom } from './attempt/cut-environment.ts';
import { backupRoomWithWorkflow } from './environment.ts';
import { sweep } from './sweep.ts';

const room = { ...backupRoomWithWorkflow(), archives: archivesRoom(), cutting: cuttingRoom() };

/** Run by the schedule every minute. */
export const handler = logged(async (_event: unknown, context: Context) => {
  logger.info('swept', { ...(await sweep(room, () => context.getRemainingTimeInMillis())) });
});
