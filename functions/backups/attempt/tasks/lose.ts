import { backupRoom } from '../../environment.ts';
import { lose } from '../conclusion.ts';
import { inputs, task } from '../task-inputs.ts';

const room = backupRoom();

/** State Lose: what becomes of the backup after an attempt that was accepted and not finished. */
export const handler = task(inputs.failed, ({ error, ...name }) => lose(room, name, error));
