import { versionOf } from '../../../api/ballot.ts';
import { applyTruncations, fill } from './fill.ts';
import { inspectFrom } from './inspect.ts';
import type { LogParts } from './log.ts';
import type { Seat, Settlements } from './sequencer.ts';

const mostAtOnce = 256;

/**
 * Settles positions below `before` that were handed out to a process which never finished, once nothing has moved for
 * `stuckMs`: what a quorum holds is chosen, the rest is filled. Notes what it learned for the next append.
 */
export async function settleAbandoned(
  parts: LogParts,
  settlements: Settlements,
  seat: Seat,
  before: number,
): Promise<void> {
  const { timer, settings } = parts;
  const from = seat.settled + 1;
  if (from >= before || timer.now() - seat.since <= settings.stuckMs) return;
  const { chosen, begin, to } = await inspectFrom(parts, from, Math.min(before, from + mostAtOnce) - 1);
  if (!(await applyTruncations(parts, chosen.values()))) return;
  const { number, writerId, views } = seat;
  for (let position = from; position <= to; position += 1) {
    const action = chosen.get(position);
    if (action?.performed === number && action.performedBy === writerId) {
      settlements.set(position, 'own');
    } else if (action || position < begin) {
      settlements.set(position, 'filled');
    } else {
      const outcome = await fill(parts, { views, position, toBeat: number, version: versionOf(number) });
      if (!('filled' in outcome)) return;
      settlements.set(position, 'filled');
    }
  }
}
