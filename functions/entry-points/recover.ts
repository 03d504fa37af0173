import * as z from 'zod/mini';
import { catchUpSlice, decideRounds } from '../../log/protocol/recovering.ts';
import { getLogOrThrow } from '../../log/registered-log.ts';
import { replicaOf } from '../../log/replicas.ts';
import { logRoom } from '../log/environment.ts';
import { noteRound, noteSlices } from '../log/lambda/note-recovery.ts';
import { range, replicaInput, task } from '../log/lambda/task-inputs.ts';
import { taskHandler } from '../platform/task.ts';

const room = logRoom();
const { progress } = room;

const roundsMs = 6_000;
/** One position that cannot be filled holds a slice up for so long. */
const fillMs = 15_000;

/** The tasks of the workflow that recovers a replica. */
export const handler = taskHandler({
  /** State Round: whether the replica votes, is to be caught up, or has to wait. */
  round: task(
    z.extend(replicaInput, { force: z.boolean(), finished: z.string() }),
    async ({ group, log, replica, force, finished }) => {
      const registered = await getLogOrThrow(room.registry, { group, log });
      const parts = room.partsOf(registered);
      const { autoInitialize } = registered;
      const options = { autoInitialize, force, finished, budgetMs: roundsMs };
      const decided = await decideRounds(parts, replicaOf(parts, replica), options);
      await noteRound(progress, { group, log, replica }, decided);
      return decided;
    },
  ),
  /** State Slice: learns a part of a range. */
  catchUp: task(
    z.extend(replicaInput, { incarnation: z.string(), range }),
    async ({ group, log, replica, incarnation, range: given }, remainingMs) => {
      const parts = await room.open(group, log);
      const budgetMs = Math.max(0, Math.min(60_000, remainingMs()) - fillMs);
      const notes = noteSlices(progress, { group, log, replica }, given);
      const { onNext } = notes;
      const slice = await catchUpSlice(parts, replicaOf(parts, replica), {
        incarnation,
        range: given,
        budgetMs,
        onNext,
      });
      await notes.end(slice);
      return slice;
    },
  ),
});
