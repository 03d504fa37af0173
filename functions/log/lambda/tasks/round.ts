import * as z from 'zod/mini';
import { logRoom } from '../../environment.ts';
import { replicaOf } from '../../http/replicas.ts';
import { decideRounds } from '../../protocol/recovering.ts';
import { replicaInput, task } from '../task-inputs.ts';

const room = logRoom();
const input = z.extend(replicaInput, { force: z.boolean(), finished: z.string() });

/** State Round: whether the replica votes, is to be caught up, or has to wait. */
export const handler = task(input, async ({ group, log, replica, force, finished }) => {
  const parts = room.parts(group, log);
  const autoInitialize = (await room.registry.read(group, log))?.autoInitialize ?? false;
  return decideRounds(parts, replicaOf(parts, replica), { autoInitialize, force, finished, budgetMs: 6_000 });
});
