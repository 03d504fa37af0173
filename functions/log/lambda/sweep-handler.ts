import type { Context } from 'aws-lambda';
import { logged, logger } from '../../platform/logging.ts';
import { count } from '../../platform/metrics.ts';
import { sweepRoom } from '../environment.ts';
import { sweep } from './sweep.ts';

const room = sweepRoom();

/** Each minute: notes what each replica does, starts the recovery of those that do not vote; each hour deletes what truncations left. */
export const handler = logged(async ({ slot }: { slot?: string }, context: Context) => {
  const discards = slot !== undefined && new Date(slot).getUTCMinutes() === 0;
  const swept = await sweep(room, { discards, remainingMs: () => context.getRemainingTimeInMillis() });
  logger.info('swept', { ...swept });
  count('ReplicasNotVoting', { value: swept.notVoting });
});
