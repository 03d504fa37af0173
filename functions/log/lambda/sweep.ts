import { mapConcurrent } from '../../../archive/map-concurrent.ts';
import type { MemberService } from '../../../log/members.ts';
import { discard, mend } from '../../../log/mend.ts';
import type { LogName } from '../../../log/registered-log.ts';
import { lookAt, missingVotes, note, type ReplicaNotes } from '../../../log/replica-watch.ts';
import { logger } from '../../platform/logging.ts';

/** A replica that gives no answer is waited for in each log. */
const logsAtOnce = 24;
/** Time limit for one log whose stores are slow. */
const oneLogMs = 15_000;

export interface SweepOptions {
  /** Also deletes what truncations have left. */
  readonly discards: boolean;
  /** Milliseconds until the sweep must have ended. */
  remainingMs(): number;
}

/**
 * Looks through the logs, from any of them on, as long as there is time for one more; what is `left` has its turn in
 * one of the next minutes. One that fails holds up no other.
 */
export async function sweep(
  room: MemberService & { readonly notes: ReplicaNotes },
  { discards, remainingMs }: SweepOptions,
) {
  const swept = { logs: 0, notVoting: 0, started: 0, repaired: 0, discarded: 0, failed: 0, left: 0 };
  const names: LogName[] = [];
  for await (const name of room.registry.listAll()) names.push(name);
  const first = Math.floor(Math.random() * names.length);
  await mapConcurrent([...names.slice(first), ...names.slice(0, first)], logsAtOnce, async (name) => {
    if (remainingMs() < oneLogMs) {
      swept.left += 1;
      return;
    }
    try {
      const registered = await room.registry.read(name.group, name.log);
      if (!registered) return;
      swept.logs += 1;
      const { autoInitialize } = registered;
      const parts = room.partsOf(registered);
      const seen = await lookAt(parts);
      swept.notVoting += missingVotes(seen, autoInitialize).length;
      await note(room.notes, parts.timer, name, seen);
      const { started, repaired } = await mend(room, registered, seen, oneLogMs);
      swept.started += started;
      swept.repaired += repaired;
      if (discards) swept.discarded += await discard(parts.replicas, () => remainingMs() > oneLogMs);
    } catch (error) {
      swept.failed += 1;
      logger.warn('A log could not be swept', { ...name, error: error as Error });
    }
  });
  return swept;
}
