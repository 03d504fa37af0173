import type { Context } from 'aws-lambda';
import { logged, logger } from '../../platform/logging.ts';
import { checkpointRoom } from '../checkpoint-environment.ts';
import { cleanUp } from './clean-up.ts';

const room = checkpointRoom();

/** Run by the schedule every minute. */
export const handler = logged(async (_event: unknown, context: Context) => {
  const done = await cleanUp(room, () => context.getRemainingTimeInMillis());
  logger.info('cleaned up', { ...done });
});
