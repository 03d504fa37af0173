import { passOver } from '../delegation.ts';
import { backupRoom } from '../room.ts';
import { inputs, task } from '../task.ts';

const room = backupRoom();

/** State PassOver: why the worker did not take the backup. */
export const handler = task(inputs.failed, ({ error, ...name }) => passOver(room, name, error));
