/** Bringing one replica up to the others. Design: docs/design/log.md, "Recovery of a replica". */

import { tombstone } from './acceptor.ts';
import { fill, spread } from './fill.ts';
import { follow, type Inspection, prepareFill } from './inspect.ts';
import type { LogParts } from './log.ts';
import { type Action, dataBytes, isTombstone, type LearnedAction, type Replica } from './replica.ts';
import { restOfSlot, type WriterRecord } from './sequencer.ts';

export type CaughtUp =
  | { readonly learned: number; readonly filled: number }
  /** Nothing more can be learned for now, from this position on: too few replicas answered or vote. */
  | { readonly stuckAt: number };

const bytesAtOnce = 2 * 1024 * 1024;
const slotsAtOnce = 50;

/**
 * Brings what `target` misses of the slots from `from` to `to`: copies what the others know to be chosen and fills the
 * rest; with `salvage`, when no quorum is left to fill with, the newest value that is left counts. Ends before the
 * first slot above `fillTo` that is not settled yet, so that the writer is not disturbed.
 */
export async function catchUp(
  parts: LogParts,
  target: Replica,
  { from, to, fillTo = to, salvage }: { from: number; to: number; fillTo?: number; salvage?: true },
): Promise<CaughtUp> {
  const place = parts.replicas.indexOf(target);
  const copies = new Copies(target);
  let filled = 0;
  let writer: WriterRecord | undefined;
  const course = await follow<{ stuckAt: number } | { unsettled: number }>(parts, {
    from,
    to,
    fromSlot: false,
    needed: target,
    async open(position, inspection) {
      if (!inspection.ranges[place]) return { stuckAt: position };
      if (position > Math.max(fillTo, inspection.settled)) return { unsettled: position };
      if (!salvage) writer ??= await parts.sequencer.read();
      const outcome = salvage
        ? await spread(parts, leftOver(inspection, position))
        : await fill(parts, { ...prepareFill(inspection), position, count: restOfSlot(writer, position) });
      if (!('filled' in outcome)) return { stuckAt: position };
      filled += 1;
      return outcome;
    },
    async pass(slot, inspection) {
      const own = inspection.ranges[place];
      if (!own) return { stuckAt: slot.position };
      const { begin, floor } = inspection;
      if (begin > own.meta.begin || floor > own.meta.floor) await copies.moveTo({ begin, floor });
      if (isTombstone(slot.value)) return undefined;
      const known = own.actions.find(({ position }) => position === slot.position);
      if (!known?.learned) await copies.add(slot);
      return undefined;
    },
  });
  await copies.flush();
  return 'stuckAt' in course ? course : { learned: copies.learned, filled };
}

/** Slots on their way to one replica, several in one request. */
class Copies {
  learned = 0;
  #batch: LearnedAction[] = [];
  #bytes = 0;
  #floor = 0;
  #begin = 0;

  constructor(private readonly target: Replica) {}

  /** Forgets what was truncated. */
  async moveTo({ begin, floor }: { begin: number; floor: number }): Promise<void> {
    if (begin <= this.#begin && floor <= this.#floor) return;
    this.#begin = begin;
    this.#floor = floor;
    await this.target.learn([tombstone({ begin, floor })]);
  }

  async add(slot: LearnedAction): Promise<void> {
    const size = dataBytes(slot);
    if (this.#batch.length === slotsAtOnce || this.#bytes + size > bytesAtOnce) await this.flush();
    this.#batch.push(slot);
    this.#bytes += size;
    this.learned += 1;
  }

  async flush(): Promise<void> {
    if (this.#batch.length > 0) await this.target.learn(this.#batch);
    this.#batch = [];
    this.#bytes = 0;
  }
}

/** The value that counts for a slot whose quorum was lost: the newest one left, or none. */
function leftOver({ ranges }: Inspection, position: number): LearnedAction {
  const left = ranges.flatMap((range) => range?.actions.filter((action) => action.position === position) ?? []);
  const newest = left.reduce<Action | undefined>(
    (top, action) => ((action.performed ?? -1) > (top?.performed ?? -1) ? action : top),
    undefined,
  );
  const nothing = { position, promised: 0, promisedBy: '' };
  return { ...nothing, ...newest, value: newest?.value ?? { type: 'NOP' }, learned: true };
}
