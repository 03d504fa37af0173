import type { Context } from 'aws-lambda';
import { logged, logger } from '../../platform/logging.ts';
import { checkpointRoom } from '../checkpoint-environment.ts';
import { collectAll } from './collector.ts';

const room = checkpointRoom();

/** Run by the schedule every hour, over all groups. */
export const handler = logged(async (_event: unknown, context: Context) => {
  const run = await collectAll(room, () => context.getRemainingTimeInMillis());
  logger.info('collected', { ...run });
});
