import type { Context } from 'aws-lambda';
import { logger } from '../platform/logging.ts';
import { cleanUp } from './clean-up.ts';
import { checkpointRoom } from './room.ts';

const room = checkpointRoom();

/** Run by the schedule every minute. */
export async function handler(_event: unknown, context: Context): Promise<void> {
  const done = await cleanUp(room, () => context.getRemainingTimeInMillis());
  logger.info('cleaned up', { ...done });
}
