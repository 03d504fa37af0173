import { backupRoom } from '../../environment.ts';
import { passOver } from '../delegation.ts';
import { inputs, task } from '../task-inputs.ts';

const room = backupRoom();

/** State PassOver: why the worker did not take the backup. */
export const handler = task(inputs.failed, ({ error, ...name }) => passOver(room, name, error));
