import * as z from 'zod/mini';
import { sweep } from '../../leadership/history.ts';
import { cleanUp } from '../jobs/clean-up/clean-up.ts';
import { collectAll } from '../jobs/clean-up/collect-all.ts';
import { checkpointRoom } from '../jobs/environment.ts';
import { leadershipFromEnvironment } from '../leadership/environment.ts';
import { functionClient } from '../operations/function-client.ts';
import { runMinute, within } from '../operations/minute.ts';
import { lambdaClient } from '../platform/aws.ts';
import { readSettings } from '../platform/settings.ts';
import { taskHandler, tasks } from '../platform/task.ts';

const name = z.string().check(z.minLength(1));
const { TENURE_LOG_SWEEP, TENURE_BACKUP_SWEEP } = readSettings({ TENURE_LOG_SWEEP: name, TENURE_BACKUP_SWEEP: name });
const { groups, clock, maxClockSkewMs } = leadershipFromEnvironment();
const jobs = checkpointRoom();
const call = functionClient(lambdaClient());
const task = tasks({ named: (input) => ({ ...(input as object) }) });

/** The next minute does what is left. */
const cleanUpMs = 45_000;

/**
 * Run by the schedule: calls the sweeps that have functions of their own, and does the others itself, one after the
 * other.
 */
export const handler = taskHandler({
  minute: task(z.object({ slot: z.iso.datetime() }), ({ slot }, remainingMs) =>
    runMinute(slot, [
      { name: 'log sweep', run: () => call(TENURE_LOG_SWEEP, { task: 'sweep', slot }) },
      { name: 'terms', run: () => sweep(groups, clock, maxClockSkewMs) },
      { name: 'backup sweep', run: () => call(TENURE_BACKUP_SWEEP, { task: 'sweep', slot }) },
      { name: 'clean-up', run: () => cleanUp(jobs, within(cleanUpMs, remainingMs)) },
      { name: 'orphans', hourly: true, run: () => collectAll(jobs, remainingMs) },
    ]),
  ),
});
