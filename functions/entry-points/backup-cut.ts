import { archivesRoom } from '../backups/attempt/archives-environment.ts';
import { cleanUp, cut } from '../backups/attempt/conclusion.ts';
import { cutterRoom } from '../backups/attempt/cut-environment.ts';
import { inputs, task } from '../backups/attempt/task-inputs.ts';
import { backupRoom } from '../backups/environment.ts';
import { policyTable } from '../backups/schedule/policy-table.ts';
import { retain } from '../backups/schedule/retention.ts';
import { backupSettings } from '../backups/settings.ts';
import { documentClient } from '../platform/aws.ts';
import { taskHandler } from '../platform/task.ts';

const policies = policyTable(documentClient(), backupSettings().table);
const room = { ...backupRoom(), cutter: cutterRoom(), archives: archivesRoom(), policies };

/** The tasks of a backup's workflow that hold a group's logs and payloads back, and let go of them. */
export const handler = taskHandler({
  /** Fixes the positions up to which the backup goes. */
  cut: task(inputs.cut, ({ position, ...name }) => cut(room, name, position)),
  /** Takes away what the ended backup leaves behind, and the backups that are too many now. */
  cleanUp: task(inputs.backup, async (name, remainingMs) => {
    await cleanUp(room, name);
    await retain(room, name.group, remainingMs);
  }),
});
