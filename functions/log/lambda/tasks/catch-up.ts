import * as z from 'zod/mini';
import { logRoom } from '../../environment.ts';
import { replicaOf } from '../../http/replicas.ts';
import { catchUpSlice } from '../../protocol/recovering.ts';
import { range, replicaInput, task } from '../task-inputs.ts';

const room = logRoom();
const input = z.extend(replicaInput, { incarnation: z.string(), range });

/** One position that cannot be filled holds a slice up for so long. */
const fillMs = 15_000;

/** State Slice: learns a part of a range. */
export const handler = task(input, ({ group, log, replica, incarnation, range: given }, remainingMs) => {
  const parts = room.parts(group, log);
  const budgetMs = Math.max(0, remainingMs() - fillMs);
  return catchUpSlice(parts, replicaOf(parts, replica), { incarnation, range: given, budgetMs });
});
