import { run } from '../delegation.ts';
import { backupRoom } from '../room.ts';
import { inputs, task } from '../task.ts';

const room = backupRoom();

/** State Run: waits for the attempt's end as long as there are heartbeats. */
export const handler = task(inputs.asked, (asked) => run(room, asked));
