import { backupRoom } from '../../environment.ts';
import { run } from '../delegation.ts';
import { inputs, task } from '../task-inputs.ts';

const room = backupRoom();

/** State Run: waits for the attempt's end as long as there are heartbeats. */
export const handler = task(inputs.asked, (asked) => run(room, asked));
