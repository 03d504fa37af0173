import { logged, logger } from '../platform/logging.ts';
import { leadershipRoom } from './environment.ts';
import { sweep } from './history.ts';

const { groups, clock, maxClockSkewMs } = leadershipRoom();

/** Run by the schedule every minute. */
export const handler = logged(async () => {
  logger.info('swept', { ...(await sweep(groups, clock, maxClockSkewMs)) });
});
