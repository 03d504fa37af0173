import type { Context } from 'aws-lambda';
import { logger } from '../platform/logging.ts';
import { collectAll } from './collector.ts';
import { checkpointRoom } from './room.ts';

const room = checkpointRoom();

/** Run by the schedule every hour, over all groups. */
export async function handler(_event: unknown, context: Context): Promise<void> {
  const run = await collectAll(room, () => context.getRemainingTimeInMillis());
  logger.info('collected', { ...run });
}
