import * as z from 'zod/mini';
import { sweepRoom } from '../log/environment.ts';
import { sweep } from '../log/lambda/sweep.ts';
import { count } from '../platform/metrics.ts';
import { taskHandler, tasks } from '../platform/task.ts';

const room = sweepRoom();
const task = tasks({ named: (input) => ({ ...(input as object) }) });

/**
 * Each minute: notes what each replica does, starts the recovery of those that do not vote; each hour deletes what
 * truncations left.
 */
export const handler = taskHandler({
  sweep: task(z.object({ slot: z.iso.datetime() }), async ({ slot }, remainingMs) => {
    const swept = await sweep(room, { discards: new Date(slot).getUTCMinutes() === 0, remainingMs });
    // A metric that is sent is paid for by the hour.
    if (swept.logs > 0) count('ReplicasNotVoting', { value: swept.notVoting });
    return swept;
  }),
});
