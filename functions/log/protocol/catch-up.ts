/** Bringing one replica up to the others. Design: docs/design/log.md, "Recovery of a replica". */

import { mapConcurrent } from '../../../archive/map-concurrent.ts';
import { tombstone } from './acceptor.ts';
import { fill, spread } from './fill.ts';
import { type Inspection, inspectFrom, standing } from './inspect.ts';
import type { LogParts } from './log.ts';
import { type Action, dataBytes, isLearned, type LearnedAction, type Range, type Replica } from './replica.ts';

export type CaughtUp =
  | { readonly learned: number; readonly filled: number }
  /** Nothing more can be learned for now, from this position on: too few replicas answered or vote. */
  | { readonly stuckAt: number };

/** Positions looked at in one go, at the most. */
const window = 64;
const bytesAtOnce = 2 * 1024 * 1024;

/**
 * Brings what `target` misses of the positions `from` to `to`: copies what the others know to be chosen and fills the
 * rest; with `salvage`, when no quorum is left to fill with, the newest value that is left counts. Positions above
 * `fillTo` that are not settled yet are left alone, so that the writer is not disturbed.
 */
export async function catchUp(
  parts: LogParts,
  target: Replica,
  { from, to, fillTo = to, salvage }: { from: number; to: number; fillTo?: number; salvage?: true },
): Promise<CaughtUp> {
  let learned = 0;
  let filled = 0;
  for (let start = from; start <= to; ) {
    const inspection = await inspectFrom(parts, start, Math.min(to, start + window - 1), target);
    const end = inspection.to;
    const own = inspection.ranges[parts.replicas.indexOf(target)];
    if (!own) return { stuckAt: start };
    if (inspection.begin > own.meta.begin) await target.learn([tombstone(inspection.begin - 1)]);
    const known = new Map(inspection.chosen);
    const missing = missingIn(own, Math.max(start, inspection.begin), end);
    const open = missing.filter((position) => !known.has(position) && position <= Math.max(fillTo, inspection.settled));
    let stuckAt: number | undefined;
    await mapConcurrent(open, 8, async (position) => {
      const outcome = salvage
        ? await spread(parts, leftOver(inspection, position))
        : await fill(parts, { ...standing(inspection), position });
      if ('filled' in outcome) known.set(position, outcome.filled);
      else stuckAt = Math.min(position, stuckAt ?? position);
    });
    const copies = missing.flatMap((position) => known.get(position) ?? []);
    for (const batch of batches(copies)) await target.learn(batch);
    learned += copies.length;
    filled += open.length;
    if (stuckAt !== undefined) return { stuckAt };
    start = Math.max(end + 1, inspection.begin);
  }
  return { learned, filled };
}

/** The value that counts at a position whose quorum was lost: the newest one left, or none. */
function leftOver({ ranges }: Inspection, position: number): LearnedAction {
  const left = ranges.flatMap((range) => range?.actions.filter((action) => action.position === position) ?? []);
  const newest = left.reduce<Action | undefined>(
    (top, action) => ((action.performed ?? -1) > (top?.performed ?? -1) ? action : top),
    undefined,
  );
  const nothing = { position, promised: 0, promisedBy: '' };
  return { ...(newest ?? nothing), value: newest?.value ?? { type: 'NOP' }, learned: true };
}

/** The positions that are holes or unlearned. */
function missingIn({ meta, actions }: Range, from: number, to: number): number[] {
  const learned = new Set(actions.filter((action) => isLearned(meta, action)).map(({ position }) => position));
  const missing: number[] = [];
  for (let position = from; position <= to; position += 1) if (!learned.has(position)) missing.push(position);
  return missing;
}

function* batches(actions: readonly LearnedAction[]): Generator<LearnedAction[]> {
  let batch: LearnedAction[] = [];
  let bytes = 0;
  for (const action of actions) {
    const size = dataBytes(action);
    if (batch.length > 0 && (bytes + size > bytesAtOnce || batch.length === 50)) {
      yield batch;
      batch = [];
      bytes = 0;
    }
    batch.push(action);
    bytes += size;
  }
  if (batch.length > 0) yield batch;
}
