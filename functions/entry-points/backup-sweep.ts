import * as z from 'zod/mini';
import { archivesRoom } from '../backups/attempt/archives-environment.ts';
import { cutterRoom } from '../backups/attempt/cut-environment.ts';
import { backupRoomWithWorkflow } from '../backups/environment.ts';
import { tick } from '../backups/schedule/schedule.ts';
import { sweep } from '../backups/sweep.ts';
import { runMinute } from '../operations/minute.ts';
import { taskHandler, tasks } from '../platform/task.ts';
import { restoreRoomWithLaunch } from '../restore/environment.ts';
import { reviveRestores } from '../restore/steps.ts';

const room = {
  ...restoreRoomWithLaunch(),
  ...backupRoomWithWorkflow(),
  archives: archivesRoom(),
  cutter: cutterRoom(),
};
const task = tasks({ named: (input) => ({ ...(input as object) }) });

/** Each minute: what policies have due, and backups and restores whose workflow stands still. */
export const handler = taskHandler({
  sweep: task(z.object({ slot: z.iso.datetime() }), ({ slot }, remainingMs) =>
    runMinute(slot, [
      { name: 'policies', run: () => tick(room, remainingMs, () => reviveRestores(room)) },
      { name: 'backups', run: () => sweep(room, remainingMs) },
    ]),
  ),
});
