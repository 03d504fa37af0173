import { documentClient } from '../../platform/aws.ts';
import { archivesRoom } from '../archive/archives-room.ts';
import { cleanUp } from '../conclusion.ts';
import { cuttingRoom } from '../cut/cutting-room.ts';
import { backupRoom } from '../room.ts';
import { policyTable } from '../schedule/policy-table.ts';
import { retain } from '../schedule/retention.ts';
import { backupSettings } from '../settings.ts';
import { inputs, task } from '../task.ts';

const policies = policyTable(documentClient(), backupSettings().table);
const room = { ...backupRoom(), cutting: cuttingRoom(), archives: archivesRoom(), policies };

/** State CleanUp: takes away what the ended backup leaves behind, and the backups that are too many now. */
export const handler = task(inputs.backup, async (name, remainingMs) => {
  await cleanUp(room, name);
  await retain(room, name.group, remainingMs);
});
