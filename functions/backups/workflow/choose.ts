import { choose } from '../delegation.ts';
import { backupRoom } from '../room.ts';
import { inputs, task } from '../task.ts';

const room = backupRoom();

/** State Choose: who takes the backup next. */
export const handler = task(inputs.backup, (name) => choose(room, name));
