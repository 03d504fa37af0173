import { backupRoom } from '../../environment.ts';
import { fail } from '../conclusion.ts';
import { inputs, task } from '../task-inputs.ts';

const room = backupRoom();

/** State Fail: settles a backup whose workflow cannot go on. */
export const handler = task(inputs.broken, ({ error, ...name }) => fail(room, name, error));
