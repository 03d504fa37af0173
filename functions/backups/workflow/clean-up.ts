import { archivesRoom } from '../archives-room.ts';
import { cleanUp } from '../conclusion.ts';
import { cuttingRoom } from '../cutting-room.ts';
import { backupRoom } from '../room.ts';
import { inputs, task } from '../task.ts';

const room = { ...backupRoom(), cutting: cuttingRoom(), archives: archivesRoom() };

/** State CleanUp: takes away what the ended backup leaves behind. */
export const handler = task(inputs.backup, (name) => cleanUp(room, name));
