/** The outcome of a request's slot. */
import { versionOf } from '../../api/ballot.ts';
import { type Filled, fill, isApplied } from './fill.ts';
import { follow, inspectFrom } from './inspect.ts';
import type { LogParts } from './log.ts';
import type { AppendRequest } from './placement.ts';
import { isTombstone, type LearnedAction, lastOf, type Value } from './replica.ts';
import { restOfSlot, type Settlements, type WriterRecord } from './sequencer.ts';

/**
 * Whether the request is in its slot. Open while that is not settled, or no longer to be told since it was truncated.
 */
export type Settled = 'in' | 'displaced' | 'open';

/** Settles the slot if it is still open: then the request is in the log, or displaced by another value. */
export async function conclude(
  parts: LogParts,
  settlements: Settlements,
  { writer, slot, value }: { writer: WriterRecord; slot: number; value: Value },
): Promise<Settled> {
  const { number, writerId, views } = writer;
  let chosen: LearnedAction | undefined;
  const course = await follow<Exclude<Filled, { filled: unknown }>>(parts, {
    from: slot,
    to: slot,
    fromSlot: true,
    open: (position) => {
      const count = restOfSlot(writer, position);
      return fill(parts, { views, position, count, toBeat: number, version: versionOf(number) });
    },
    pass(settled) {
      chosen = settled;
      return undefined;
    },
  });
  if (!('next' in course) || chosen?.position !== slot || isTombstone(chosen.value)) return 'open';
  if (!(await isApplied(parts, chosen))) return 'open';
  const isOwn = chosen.performed === number && chosen.performedBy === writerId;
  settlements.set(slot, { last: lastOf(chosen), how: isOwn ? 'own' : 'filled' });
  return holdsRequest(chosen.value, value) ? 'in' : 'displaced';
}

/** The same without settling anything. */
export async function outcomeOf(parts: LogParts, slot: number, value: Value): Promise<Settled> {
  const { chosen, floor } = await inspectFrom(parts, slot, slot);
  const action = chosen.get(slot);
  if (slot < floor || !action) return 'open';
  if (!holdsRequest(action.value, value)) return 'displaced';
  return (await isApplied(parts, action)) ? 'in' : 'open';
}

/** A slot has one value or another: it holds all requests that were placed in it, or none. */
function holdsRequest(chosen: Value, asked: Value): boolean {
  const there = new Set(namesIn(chosen));
  return chosen.type === asked.type && namesIn(asked).every((requestId) => there.has(requestId));
}

function namesIn(value: Value): readonly string[] {
  if (value.type === 'APPEND') return value.requests.map(({ requestId }) => requestId);
  return value.type === 'TRUNCATE' ? [value.requestId] : [];
}

/** Whether a backup, since the request was placed, reads what it would truncate. */
export async function isHeld({ sequencer }: LogParts, { content }: AppendRequest): Promise<boolean> {
  if (content.type !== 'TRUNCATE') return false;
  const held = await sequencer.readHold();
  return held !== undefined && content.to > held.from;
}
