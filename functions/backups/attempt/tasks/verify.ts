import { backupRoom } from '../../environment.ts';
import { archivesRoom } from '../archives-environment.ts';
import { verify } from '../conclusion.ts';
import { inputs, sliceMs, task } from '../task-inputs.ts';

const room = { ...backupRoom(), archives: archivesRoom() };

/** State Verify: one slice of looking whether everything is there, and the backup's end. */
export const handler = task(inputs.verify, ({ cursor, ...name }, remainingMs) =>
  verify(room, name, cursor, sliceMs(room, remainingMs)),
);
