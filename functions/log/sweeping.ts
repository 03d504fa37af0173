import { inParallel } from '../platform/in-parallel.ts';
import { Unreachable } from './quorum.ts';
import { lookAt, missingVotes, note, type ReplicaNotes } from './replica-watch.ts';
import { type Replicas, recoverAll } from './replicas.ts';

const discardedAtOnce = 2_000;

/** Looks through all logs. One whose stores do not answer holds up no other: the next minute comes. */
export async function sweep(room: Replicas & { readonly notes: ReplicaNotes }, discards: boolean) {
  const swept = { logs: 0, notVoting: 0, started: 0, discarded: 0, failed: 0 };
  const names: { group: string; log: string }[] = [];
  for await (const name of room.registry.listAll()) names.push(name);
  await inParallel(names, 8, async (name) => {
    try {
      const registered = await room.registry.read(name.group, name.log);
      if (!registered) return;
      swept.logs += 1;
      const { autoInitialize } = registered;
      const parts = room.parts(name.group, name.log);
      const seen = await lookAt(parts);
      swept.notVoting += missingVotes(seen, autoInitialize).length;
      swept.started += await recoverAll(room, name, autoInitialize, seen);
      await note(room.notes, parts.timer, name, seen);
      if (discards) swept.discarded += await discard(room, name);
    } catch (error) {
      if (!(error instanceof Unreachable)) throw error;
      swept.failed += 1;
    }
  });
  return swept;
}

async function discard(room: Replicas, { group, log }: { group: string; log: string }): Promise<number> {
  const { replicas } = room.parts(group, log);
  const answers = await Promise.all(replicas.map((replica) => replica.discard(discardedAtOnce)));
  return answers.reduce((sum, { discarded }) => sum + discarded, 0);
}
