import { documentClient } from '../../../platform/aws.ts';
import { backupRoom } from '../../environment.ts';
import { policyTable } from '../../schedule/policy-table.ts';
import { retain } from '../../schedule/retention.ts';
import { backupSettings } from '../../settings.ts';
import { archivesRoom } from '../archives-environment.ts';
import { cleanUp } from '../conclusion.ts';
import { cuttingRoom } from '../cut-environment.ts';
import { inputs, task } from '../task-inputs.ts';

const policies = policyTable(documentClient(), backupSettings().table);
const room = { ...backupRoom(), cutting: cuttingRoom(), archives: archivesRoom(), policies };

/** State CleanUp: takes away what the ended backup leaves behind, and the backups that are too many now. */
export const handler = task(inputs.backup, async (name, remainingMs) => {
  await cleanUp(room, name);
  await retain(room, name.group, remainingMs);
});
