/** Common parts of the recovery workflow's functions. */
import * as z from 'zod/mini';
import { name } from '../../../api/schema.ts';
import { StaleConfigurationError, UnreachableError } from '../../../log/protocol/quorum.ts';
import { tasks } from '../../platform/task.ts';

const position = z.int().check(z.minimum(-1));
export const replicaInput = z.object({ group: name, log: name, replica: z.string() });
export const range = z.object({ from: position, to: position, fillTo: position, salvage: z.optional(z.literal(true)) });

export const task = tasks({
  named: (input) => ({ input }),
  passes: (cause) => cause instanceof UnreachableError || cause instanceof StaleConfigurationError,
});
