import { cut } from '../conclusion.ts';
import { cuttingRoom } from '../cut/cutting-room.ts';
import { backupRoom } from '../room.ts';
import { inputs, task } from '../task.ts';

const room = { ...backupRoom(), cutting: cuttingRoom() };

/** State Cut: fixes the positions up to which the backup goes. */
export const handler = task(inputs.cut, ({ position, ...name }) => cut(room, name, position));
