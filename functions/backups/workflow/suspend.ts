import { suspend } from '../delegation.ts';
import { backupRoom } from '../room.ts';
import { inputs, task } from '../task.ts';

const room = backupRoom();

/** State Suspend: tells the worker to pin its position, and waits for its answer. */
export const handler = task(inputs.asked, (asked) => suspend(room, asked));
