import { logger } from '../platform/logging.ts';
import { replicasRoom } from './room.ts';
import { sweep } from './sweeping.ts';

const room = replicasRoom();

/** Each minute: starts the recovery of every replica that does not vote; each hour deletes what truncations left. */
export const handler = async ({ slot }: { slot?: string }) => {
  const hourly = slot !== undefined && new Date(slot).getUTCMinutes() === 0;
  const swept = await sweep(room, hourly);
  logger.info('swept', { ...swept });
};
