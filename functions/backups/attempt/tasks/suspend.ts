import { backupRoom } from '../../environment.ts';
import { suspend } from '../delegation.ts';
import { inputs, task } from '../task-inputs.ts';

const room = backupRoom();

/** State Suspend: tells the worker to pin its position, and waits for its answer. */
export const handler = task(inputs.asked, (asked) => suspend(room, asked));
