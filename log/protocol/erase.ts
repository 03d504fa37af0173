/** Emptying the replicas of a log that nobody is to use any more. */
import { tombstone } from './acceptor.ts';
import type { LogParts } from './log.ts';
import type { LearnedAction, Replica } from './replica.ts';

const discardedAtOnce = 500;

/** A late write of an abandoned step is below it, too, and is not kept. */
const beyondAll = Number.MAX_SAFE_INTEGER;

/**
 * Empties all replicas of a log, even where they vote already, under a name that holds them until then. Repeating it
 * continues.
 */
export async function eraseLog(parts: LogParts, heldAs: string, goOn: () => void): Promise<void> {
  await Promise.all(parts.replicas.map((replica) => holdAgain(replica, heldAs)));
  for (const replica of parts.replicas) {
    const { restoreId } = await replica.read();
    if (restoreId !== heldAs) continue;
    await learnOrThrow(replica, [tombstone({ floor: beyondAll, begin: beyondAll })]);
    for (let more = true; more; { more } = await replica.discard(discardedAtOnce)) goOn();
    await replica.empty({ restoreId: heldAs, incarnation: parts.chance.id() });
  }
}

async function holdAgain(replica: Replica, restoreId: string): Promise<void> {
  const meta = await replica.read();
  if (meta.status === 'EMPTY' || meta.restoreId === restoreId) return;
  const held = await replica.transition(meta, { status: 'RECOVERING', restoreId });
  if (held.meta.restoreId !== restoreId) {
    throw new Error(`Replica ${replica.id} is ${held.meta.status} and was not let go by ${restoreId}`);
  }
}

/** Throws where the replica does not take part in what fills or empties the log. */
export async function learnOrThrow(replica: Replica, actions: readonly LearnedAction[]): Promise<void> {
  const answer = await replica.learn(actions);
  if (answer.verdict === 'ACCEPT') return;
  throw new Error(`Replica ${replica.id} did not learn what it is given: ${JSON.stringify(answer)}`);
}
