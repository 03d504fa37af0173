import { archivesRoom } from '../backups/attempt/archives-environment.ts';
import { verify, work } from '../backups/attempt/conclusion.ts';
import { inputs, sliceMs, task } from '../backups/attempt/task-inputs.ts';
import { backupRoom } from '../backups/environment.ts';
import { taskHandler } from '../platform/task.ts';

const room = { ...backupRoom(), archives: archivesRoom() };

/** The tasks of a backup's workflow that write and read its files, slice by slice. */
export const handler = taskHandler({
  work: task(inputs.attempt, (name, remainingMs) => work(room, name, sliceMs(room, remainingMs))),
  verify: task(inputs.verify, ({ cursor, ...name }, remainingMs) =>
    verify(room, name, cursor, sliceMs(room, remainingMs)),
  ),
});
