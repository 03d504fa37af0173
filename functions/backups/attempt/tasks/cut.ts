import { backupRoom } from '../../environment.ts';
import { cut } from '../conclusion.ts';
import { cuttingRoom } from '../cut-environment.ts';
import { inputs, task } from '../task-inputs.ts';

const room = { ...backupRoom(), cutting: cuttingRoom() };

/** State Cut: fixes the positions up to which the backup goes. */
export const handler = task(inputs.cut, ({ position, ...name }) => cut(room, name, position));
