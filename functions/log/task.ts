/** What the functions of the recovery's workflow have in common. */
import * as z from 'zod';
import { name } from '../platform/schema.ts';
import { tasks } from '../platform/task.ts';
import { Unreachable } from './quorum.ts';

const position = z.int().min(-1);
export const replicaInput = z.object({ group: name, log: name, replica: z.string() });
export const range = z.object({ from: position, to: position, fillTo: position, salvage: z.literal(true).optional() });

export const task = tasks({ named: (input) => ({ input }), passes: (cause) => cause instanceof Unreachable });
