import { backupRoom } from '../../environment.ts';
import { archivesRoom } from '../archives-environment.ts';
import { work } from '../conclusion.ts';
import { inputs, sliceMs, task } from '../task-inputs.ts';

const room = { ...backupRoom(), archives: archivesRoom() };

/** State Work: one slice of the built-in worker. */
export const handler = task(inputs.attempt, (name, remainingMs) => work(room, name, sliceMs(room, remainingMs)));
