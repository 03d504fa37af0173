import { tombstone } from './acceptor.ts';
import type { LogParts } from './log.ts';
import { type Answers, ask, isMajority, isQuorum } from './quorum.ts';
import {
  type Action,
  isLearned,
  type LearnedAction,
  lastOf,
  type Range,
  type Replica,
  settledOf,
  type Views,
  withoutStaged,
} from './replica.ts';

/** Waits so long for the last replicas once there is a quorum. */
const graceMs = 100;

/** The combined knowledge of the replicas that responded, of the slots in a range of positions. */
export interface Inspection {
  /** The first slot that is spoken of: that of `from`, or the nearest one before it that a replica knows. */
  readonly start: number;
  /** The last position that is spoken of: nothing is known here of those after it, not even that they are holes. */
  readonly to: number;
  readonly begin: number;
  readonly floor: number;
  /** Everything up to here is chosen. */
  readonly settled: number;
  /** The slots that are known to be chosen, by their first positions, with what was chosen. */
  readonly chosen: ReadonlyMap<number, LearnedAction>;
  /** Each replica's responses about the slots up to `to`, in order. */
  readonly ranges: Answers<Range>;
}

/**
 * Asks every replica for the positions `from` to `to` and puts together what is chosen: what one of them learned, and
 * what a quorum accepted under the same ballot of the same coordinator. It ends where the shortest answer ends, so
 * that no position is taken for a hole that was merely not read. The answer of `needed` is waited for like the quorum
 * itself, or that of everyone: a replica that does not vote may lie in a Region from which nothing comes within the
 * grace.
 */
export async function inspectFrom(
  parts: LogParts,
  from: number,
  to: number,
  needed?: Replica | 'everyone',
): Promise<Inspection> {
  const { replicas, timer, settings } = parts;
  const answers = await ask(
    replicas.map((replica) => () => replica.range(from, to)),
    {
      enough: (soFar) =>
        needed !== 'everyone' &&
        isQuorum(parts, soFar, votes) &&
        (needed === undefined || soFar[replicas.indexOf(needed)] !== undefined),
      graceMs,
      ms: settings.answerMs,
      timer,
    },
  );
  const last = Math.min(to, ...answers.map((range) => range?.to ?? to));
  const ranges = answers.map((range) => range && upTo(last, range));
  const answered = ranges.filter((range) => range !== undefined);
  const begin = Math.max(0, ...answered.filter(holdsLog).map(({ meta }) => meta.begin));
  const floor = Math.max(0, ...answered.filter(holdsLog).map(({ meta }) => meta.floor));
  const chosen = heldByQuorum(parts, ranges, ({ staged }) => !staged);
  for (const { meta, actions } of answered) {
    for (const action of actions) {
      if (isLearned(meta, action)) chosen.set(action.position, { ...action, learned: true });
    }
  }
  const firsts = answered.flatMap(({ actions }) => actions.map(({ position }) => position));
  return {
    start: Math.max(Math.min(floor, from), ...firsts.filter((position) => position <= from)),
    to: last,
    begin,
    floor,
    settled: Math.max(floor - 1, ...answered.filter(holdsLog).map(({ meta }) => settledOf(meta))),
    chosen,
    ranges,
  };
}

export type Opened<Stop> = { readonly filled: LearnedAction } | Stop;

export interface Course<Stop> {
  readonly from: number;
  readonly to: number;
  /** `from` is the first position of a slot. Otherwise the course begins with the slot that holds it. */
  readonly fromSlot: boolean;
  /** Its answer is waited for like the quorum itself. */
  readonly needed?: Replica;
  /** Settles a slot that is not known to be chosen, or ends the course. */
  open(position: number, inspection: Inspection): Promise<Opened<Stop>>;
  /** Called with each slot, in order, and with a tombstone for what was truncated meanwhile; may end the course. */
  pass?(slot: LearnedAction, inspection: Inspection): Promise<Stop | undefined> | Stop | undefined;
}

/** Slots are looked at in one go that begin within so many positions. */
const window = 128;

/**
 * Follows the log slot by slot: only what is chosen for a slot says where the next one begins, so that nobody ever
 * proposes anything in the middle of one. Ends after the slot that holds `to`; `next` is the slot after it.
 */
export async function follow<Stop extends object>(
  parts: LogParts,
  { from, to, fromSlot, needed, open, pass }: Course<Stop>,
): Promise<{ readonly next: number } | Stop> {
  let at = from;
  let isSlot = fromSlot;
  while (at <= to) {
    const inspection = await inspectFrom(parts, at, Math.min(to, at + window - 1), needed);
    if (!isSlot) at = inspection.start;
    isSlot = true;
    if (at < inspection.floor) {
      const stop = await pass?.(tombstone(inspection), inspection);
      if (stop) return stop;
      at = inspection.floor;
    }
    while (at <= inspection.to) {
      const known = inspection.chosen.get(at);
      const outcome = known ? { filled: known } : await open(at, inspection);
      if (!('filled' in outcome)) return outcome;
      const stop = await pass?.(outcome.filled, inspection);
      if (stop) return stop;
      at = lastOf(outcome.filled) + 1;
    }
  }
  return { next: at };
}

/** The proposals of which a quorum holds the same one, under one ballot of one owner, by their first positions. */
function heldByQuorum(
  { majorities }: Pick<LogParts, 'majorities'>,
  ranges: Answers<Range>,
  counts: (action: Action) => boolean,
): Map<number, LearnedAction> {
  const held = new Map<number, LearnedAction>();
  const holders = new Map<string, Set<number>>();
  for (const [place, range] of ranges.entries()) {
    for (const action of range && votes(range) ? range.actions : []) {
      if (action.performed === undefined || !action.value || !counts(action)) continue;
      const key = `${action.position} ${action.performed} ${action.performedBy}`;
      const places = (holders.get(key) ?? new Set()).add(place);
      holders.set(key, places);
      if (isMajority(majorities, places) && !held.has(action.position)) {
        held.set(action.position, { ...withoutStaged(action), value: action.value, learned: true });
      }
    }
  }
  return held;
}

/**
 * The proposals that a quorum holds under one ballot, accepted or merely staged. Where a slot was known to be chosen
 * before the inspection began, that is what was chosen (docs/design/log.md, "Reading").
 */
export function proposedToQuorum(
  parts: Pick<LogParts, 'majorities'>,
  { ranges }: Inspection,
): ReadonlyMap<number, LearnedAction> {
  return heldByQuorum(parts, ranges, () => true);
}

function upTo(to: number, range: Range): Range {
  return { ...range, to, actions: range.actions.filter(({ position }) => position <= to) };
}

function votes({ meta }: Range): boolean {
  return meta.status === 'VOTING';
}

function holdsLog({ meta }: Range): boolean {
  return meta.status === 'VOTING' || meta.status === 'RECOVERING';
}

/**
 * Whether a quorum may have accepted this slot or a later one before the inspection began: each of its replicas has
 * accepted something there since, or was not heard, or does not vote. While members change, one of the two sets may
 * have been enough: it was that of the members before.
 */
export function mayBeChosen(
  { majorities }: Pick<LogParts, 'majorities'>,
  position: number,
  { ranges }: Inspection,
): boolean {
  const places = ranges.flatMap((range, place) =>
    range !== undefined && votes(range) && range.meta.end < position ? [] : [place],
  );
  return majorities.some((set) => isMajority([set], new Set(places)));
}

/** The views and the ballot to beat for a fill that begins with this inspection. */
export function prepareFill({ ranges }: Inspection): { views: Views; toBeat: number } {
  return {
    views: ranges.map((range) => (range && votes(range) ? range.meta.view : undefined)),
    toBeat: Math.max(0, ...ranges.map((range) => range?.meta.promised ?? 0)),
  };
}
