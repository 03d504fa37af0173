import { backupRoom } from '../../environment.ts';
import { choose } from '../delegation.ts';
import { inputs, task } from '../task-inputs.ts';

const room = backupRoom();

/** State Choose: who takes the backup next. */
export const handler = task(inputs.backup, (name) => choose(room, name));
