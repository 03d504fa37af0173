import { logged, logger } from '../platform/logging.ts';
import { sweep } from './history.ts';
import { leadershipRoom } from './room.ts';

const { groups, clock, maxClockSkewMs } = leadershipRoom();

/** Run by the schedule every minute. */
export const handler = logged(async () => {
  logger.info('swept', { ...(await sweep(groups, clock, maxClockSkewMs)) });
});
