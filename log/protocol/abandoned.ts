import { versionOf } from '../../api/ballot.ts';
import { type Filled, fill, isApplied } from './fill.ts';
import { follow } from './inspect.ts';
import type { LogParts } from './log.ts';
import { lastOf } from './replica.ts';
import { restOfSlot, type Settlements, type WriterRecord } from './sequencer.ts';

const mostAtOnce = 256;

/**
 * Settles slots below `before` that were handed out to a process which never finished, once nothing has moved for
 * `stuckMs`: what a quorum holds is chosen, the rest is filled. Notes what it learned for the next append.
 */
export async function settleAbandoned(
  parts: LogParts,
  settlements: Settlements,
  writer: WriterRecord,
  before: number,
): Promise<void> {
  const { timer, settings } = parts;
  const from = writer.settled + 1;
  if (from >= before || timer.now() - writer.since <= settings.stuckMs) return;
  const { number, writerId, views } = writer;
  let next = from;
  await follow<Exclude<Filled, { filled: unknown }>>(parts, {
    from,
    to: Math.min(before, from + mostAtOnce) - 1,
    fromSlot: true,
    open: (position) =>
      fill(parts, {
        views,
        position,
        count: restOfSlot(writer, position),
        toBeat: number,
        version: versionOf(number),
      }),
    async pass(slot) {
      if (!(await isApplied(parts, slot))) return { stopped: 'unreachable' };
      const isOwn = slot.performed === number && slot.performedBy === writerId;
      // Positions truncated in between are settled with it.
      settlements.set(next, { last: lastOf(slot), how: isOwn && slot.position === next ? 'own' : 'filled' });
      next = lastOf(slot) + 1;
      return undefined;
    },
  });
}
