import { archivesRoom } from '../archive/archives-room.ts';
import { work } from '../conclusion.ts';
import { backupRoom } from '../room.ts';
import { inputs, sliceMs, task } from '../task.ts';

const room = { ...backupRoom(), archives: archivesRoom() };

/** State Work: one slice of the built-in worker. */
export const handler = task(inputs.attempt, (name, remainingMs) => work(room, name, sliceMs(room, remainingMs)));
