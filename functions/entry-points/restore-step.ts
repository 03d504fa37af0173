import * as z from 'zod/mini';
import { name } from '../../api/schema.ts';
import { task } from '../backups/attempt/task-inputs.ts';
import { refused } from '../backups/attempt/workflow-error.ts';
import { taskHandler } from '../platform/task.ts';
import { restoreRoom } from '../restore/environment.ts';
import { giveUp, stepRestore } from '../restore/steps.ts';

const room = restoreRoom();

/** Short, so that little is done again when the process dies; a file that takes longer is given more. */
const stepMs = 20_000;
const marginMs = 30_000;

const restore = z.object({ group: name, restoreId: z.uuid() });
/** How often the step before ran out of time at the same place. */
const patience = z._default(z.int().check(z.minimum(1)), 1);
const error = z.object({ Error: z.string(), Cause: z.optional(z.string()) });

/** The tasks of the workflow that restores a backup. */
export const handler = taskHandler({
  step: task(z.extend(restore, { patience }), async ({ group, restoreId, patience: times }, remainingMs) => {
    const budgetMs = Math.min(stepMs * times, remainingMs() - marginMs);
    const { over, stood } = await stepRestore(room, group, restoreId, budgetMs);
    return { next: over ? 'over' : 'again', patience: stood ? times * 2 : 1 };
  }),
  giveUp: task(z.extend(restore, { error }), async ({ group, restoreId, error: { Error: code, Cause } }) => {
    await giveUp(room, group, restoreId, refused(code, Cause));
    return { next: 'over' };
  }),
});
