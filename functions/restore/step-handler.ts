import * as z from 'zod/mini';
import { name } from '../../api/schema.ts';
import { task } from '../backups/attempt/task-inputs.ts';
import { refused } from '../backups/attempt/workflow-error.ts';
import { restoreRoom } from './environment.ts';
import { giveUp, stepRestore } from './steps.ts';

const room = restoreRoom();

/** Short, so that little is done again when the process dies; a file that takes longer is given more. */
const stepMs = 20_000;
const marginMs = 30_000;

const input = z.object({
  group: name,
  restoreId: z.uuid(),
  /** How often the step before ran out of time at the same place. */
  patience: z._default(z.int().check(z.minimum(1)), 1),
  error: z.optional(z.object({ Error: z.string(), Cause: z.optional(z.string()) })),
});

/** The states Step and GiveUp of a restore. */
export const handler = task(input, async ({ group, restoreId, patience, error }, remainingMs) => {
  if (error) {
    await giveUp(room, group, restoreId, refused(error.Error, error.Cause));
    return { next: 'over' };
  }
  const { over, stood } = await stepRestore(
    room,
    group,
    restoreId,
    Math.min(stepMs * patience, remainingMs() - marginMs),
  );
  return { next: over ? 'over' : 'again', patience: stood ? patience * 2 : 1 };
});
