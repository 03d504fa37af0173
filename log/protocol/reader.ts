/** Reading a log. Nothing is shown that is not chosen. Design: docs/design/log.md, "Reading". */
import { fill } from './fill.ts';
import {
  follow,
  type Inspection,
  inspectFrom,
  mayBeChosen,
  type Opened,
  prepareFill,
  proposedToQuorum,
} from './inspect.ts';
import type { LogParts } from './log.ts';
import { ask, isQuorum, tally } from './quorum.ts';
import {
  isLearned,
  isTombstone,
  type LearnedAction,
  lastOf,
  type Meta,
  type Range,
  type Status,
  settledOf,
} from './replica.ts';
import { restOfSlot } from './sequencer.ts';

export interface Positions {
  readonly begin: number;
  readonly floor: number;
  readonly end: number;
  readonly settled: number;
  /** Whether a quorum votes. */
  readonly met: boolean;
  readonly quorum: number;
  readonly voting: number;
  readonly replicas: readonly ReplicaPosition[];
}

export interface ReplicaPosition {
  readonly id: string;
  readonly status: Status | 'UNREACHABLE';
  readonly begin: number;
  readonly end: number;
  readonly promised: number;
  /** Positions behind the furthest replica. */
  readonly lag: number;
  /** A restore fills it. */
  readonly restoring?: true;
}

/** Where the log and each of its replicas stand, as a quorum (or as many as answer) tells. */
export async function positions(parts: LogParts): Promise<Positions> {
  const { replicas, timer, settings } = parts;
  const metas = await ask(
    replicas.map((replica) => () => replica.read()),
    { enough: (soFar) => isQuorum(parts, soFar, votes), graceMs: settings.graceMs, ms: settings.answerMs, timer },
  );
  const voting = metas.filter((meta): meta is Meta => meta !== undefined && votes(meta));
  const end = Math.max(0, ...voting.map((meta) => meta.end));
  return {
    begin: Math.max(0, ...voting.map(({ begin }) => begin)),
    floor: Math.max(0, ...voting.map(({ floor }) => floor)),
    end,
    settled: Math.max(-1, ...voting.map(settledOf)),
    ...tally(parts, metas, votes),
    replicas: replicas.map(({ id }, at) => {
      const { status, begin, promised, ...own } = metas[at] ?? { ...absent, status: 'UNREACHABLE' as const };
      const restoring = metas[at]?.restoreId !== undefined && { restoring: true as const };
      return { id, status, begin, end: own.end, promised, lag: Math.max(0, end - own.end), ...restoring };
    }),
  };
}

const absent = { begin: 0, end: 0, promised: 0 };

export interface ReadEntry {
  readonly position: number;
  readonly data: Uint8Array;
}

export type ReadAnswer =
  | { readonly items: readonly ReadEntry[]; readonly nextFrom?: number }
  | { readonly badRange: { readonly from: number; readonly to: number } }
  | { readonly truncated: { readonly begin: number } }
  | { readonly pastEnd: { readonly end: number } }
  | { readonly pending: number }
  | { readonly notRecovered: Positions };

export interface ReadRange {
  /** Left out: from the first readable position. */
  readonly from?: number | undefined;
  /** Left out: everything that was acknowledged before the read began, and what is settled since. */
  readonly to?: number | undefined;
  readonly limit: number;
  readonly maxBytes: number;
}

/** Slots are looked at in one go that begin within so many positions, as long as they may be wanted. */
const leastAtOnce = 64;
const mostAtOnce = 1_024;
/** After so many looks a page ends, however little was found: positions that hold no entry are passed over. */
const mostLooks = 32;

/** The entries from `from` to `to`, in order; `nextFrom` says where the next page begins. */
export async function read(parts: LogParts, { from, to, limit, maxBytes }: ReadRange): Promise<ReadAnswer> {
  const heads = await positions(parts);
  if (!heads.met) return { notRecovered: heads };
  const first = from ?? heads.begin;
  const last = to ?? Math.max(heads.end, first - 1);
  if (to !== undefined && to < first) return { badRange: { from: first, to } };
  if (first < heads.begin) return { truncated: { begin: heads.begin } };
  if (last > heads.end) return { pastEnd: { end: heads.end } };
  const items: ReadEntry[] = [];
  let bytes = 0;
  const slow = new Set<string>();
  let at = first;
  for (let looks = 0; at <= last; looks += 1) {
    if (looks === mostLooks) return { items, nextFrom: at };
    const wanted = Math.min(mostAtOnce, Math.max(leastAtOnce, limit - items.length));
    const stretch = { from: at, to: Math.min(last, at + wanted - 1), fromSlot: looks > 0 };
    const known = await slotsFrom(parts, heads, stretch, slow);
    if ('truncated' in known) return known;
    for (const entry of entriesOf(known.slots, at, last)) {
      if (items.length === limit || (items.length > 0 && bytes + entry.data.length > maxBytes)) {
        return { items, nextFrom: entry.position };
      }
      items.push(entry);
      bytes += entry.data.length;
    }
    if (known.open !== undefined && known.open <= last) {
      if (to !== undefined || known.open <= first) return { pending: Math.max(known.open, first) };
      return known.unsure ? { items, nextFrom: known.open } : { items };
    }
    at = known.next;
  }
  return { items };
}

function* entriesOf(slots: readonly LearnedAction[], from: number, to: number): Generator<ReadEntry> {
  for (const { position: first, value } of slots) {
    if (value.type !== 'APPEND') continue;
    for (const [at, data] of value.entries.entries()) {
      const position = first + at;
      if (position >= from && position <= to) yield { position, data };
    }
  }
}

interface Stretch {
  readonly from: number;
  readonly to: number;
  /** `from` is the first position of a slot. */
  readonly fromSlot: boolean;
}

type Slots =
  | {
      readonly slots: readonly LearnedAction[];
      readonly next: number;
      /** A slot that is not settled: nothing is known of those after it. */
      readonly open?: number;
      /** It may have been acknowledged before the read began. */
      readonly unsure?: boolean;
    }
  | { readonly truncated: { readonly begin: number } };

/** Asks the furthest replica; the others only for what it has not learned. */
async function slotsFrom(parts: LogParts, heads: Positions, stretch: Stretch, slow: Set<string>): Promise<Slots> {
  const { slots, next, to } = await learnedFrom(parts, heads, stretch, slow);
  if (next > to) return { slots, next };
  const { from } = stretch;
  const fromSlot = slots.length > 0 || stretch.fromSlot;
  const rest: LearnedAction[] = [];
  const settle = settlingWhole(parts, heads.settled);
  const isGone = ({ begin }: Inspection) => (begin > from ? { truncated: { begin } } : undefined);
  const course = await follow<{ truncated: { begin: number } } | Pending>(parts, {
    from: next,
    to,
    fromSlot,
    open: async (position, inspection) => isGone(inspection) ?? settle(position, inspection),
    pass(slot, inspection) {
      if (isTombstone(slot.value)) return { truncated: slot.value.tombstone };
      rest.push(slot);
      return isGone(inspection);
    },
  });
  if ('truncated' in course) return course;
  const all = [...slots, ...rest];
  return 'pending' in course
    ? { slots: all, next: course.pending, open: course.pending, unsure: course.unsure }
    : { slots: all, next: course.next };
}

/** Learned values never change, so that an older view of them is enough. */
async function learnedFrom(parts: LogParts, heads: Positions, { from, to, fromSlot }: Stretch, slow: Set<string>) {
  const range = await furthestRange(parts, heads, { from, to }, slow);
  const slots: LearnedAction[] = [];
  // Truncated since the quorum was asked: the others answer for it.
  if (!range || range.meta.floor > from) return { slots, next: from, to };
  const learned = new Map(
    range.actions.flatMap((action) => (isLearned(range.meta, action) ? [[action.position, action] as const] : [])),
  );
  const before = range.actions.map(({ position }) => position).filter((position) => position <= from);
  let next = fromSlot ? from : Math.max(...before, range.meta.floor);
  for (let slot = learned.get(next); slot && next <= range.to; slot = learned.get(next)) {
    slots.push(slot);
    next = lastOf(slot) + 1;
  }
  return slots.length > 0 ? { slots, next, to: range.to } : { slots, next: from, to: range.to };
}

/** The furthest replica's answer, or that of the next one if nothing has come from the furthest after a moment. */
async function furthestRange(
  { replicas, timer, settings }: LogParts,
  heads: Positions,
  { from, to }: Pick<Stretch, 'from' | 'to'>,
  slow: Set<string>,
): Promise<Range | undefined> {
  const isSlow = ({ id }: ReplicaPosition) => Number(slow.has(id));
  const [furthest, next] = heads.replicas
    .filter(votes)
    .sort((one, other) => isSlow(one) - isSlow(other) || other.end - one.end);
  let answered = false;
  const answers = await ask(
    replicas.map((replica) => () => {
      if (replica.id === furthest?.id) return replica.range(from, to, 'learned');
      if (replica.id !== next?.id) return undefined;
      return timer.limit(settings.graceMs).then(() => (answered ? undefined : replica.range(from, to, 'learned')));
    }),
    { enough: (soFar) => soFar.some((range) => range !== undefined), ms: settings.answerMs, timer },
  );
  answered = true;
  const at = answers.findIndex((range) => range !== undefined);
  if (furthest && replicas[at]?.id !== furthest.id) slow.add(furthest.id);
  return answers[at];
}

interface Pending {
  readonly pending: number;
  /** Whether it may have been chosen all the same. */
  readonly unsure: boolean;
  /** Nobody but the writer's process knows whether it was handed out. */
  readonly exclusive: boolean;
}

type Settle = (position: number, inspection: Inspection, isStuck?: boolean) => Promise<Opened<Pending>>;

/** Settles what must be chosen but was not seen, and what was handed out and abandoned. */
function settleAsRead(parts: LogParts, settled: number): Settle {
  let writer: ReturnType<LogParts['sequencer']['read']> | undefined;
  let later: { readonly to: number; readonly held: ReadonlyMap<number, LearnedAction> } | undefined;
  return async (position, inspection, isStuck = false) => {
    writer ??= parts.sequencer.read();
    const known = await writer;
    const chosenUpTo = Math.max(settled, known?.settled ?? -1);
    if (position <= chosenUpTo) {
      // Only a sight from after that was known can be held against it.
      if (!later || position > later.to) {
        const sight = await inspectFrom(parts, position, inspection.to);
        later = { to: sight.to, held: proposedToQuorum(parts, sight) };
      }
      const filled = later.held.get(position);
      if (filled) return { filled };
    }
    const exclusive = known?.exclusive !== undefined;
    const abandoned = known && parts.timer.now() - known.since > parts.settings.stuckMs ? known.next - 1 : -1;
    const upTo = Math.max(inspection.settled, chosenUpTo, abandoned, exclusive && isStuck ? position : -1);
    const pending = { pending: position, unsure: mayBeChosen(parts, position, inspection), exclusive };
    if (position > upTo) return pending;
    const count = restOfSlot(known, position);
    const outcome = await fill(parts, { ...prepareFill(inspection), position, count });
    return 'filled' in outcome ? outcome : pending;
  };
}

/** A slot that stays open for so many looks is stuck. */
const looksAtOpen = 10;

/**
 * The same, and where a replica that is slow, away or recovering may have helped to choose the slot, waits until that
 * is known: an append that was acknowledged before the read began must be in it. A slot that is then settled later than
 * the read may be in it or not. Of an exclusive writer the record does not say what was handed out and abandoned: a
 * slot that stays open for so long is.
 */
function settlingWhole(parts: LogParts, settled: number): Settle {
  const settle = settleAsRead(parts, settled);
  return async (position, inspection) => {
    let outcome = await settle(position, inspection);
    const isOpen = () => 'pending' in outcome && (outcome.unsure || outcome.exclusive);
    for (let looked = 0; isOpen() && looked < looksAtOpen; looked += 1) {
      if (looked > 0) await parts.timer.sleep(parts.settings.stuckMs / (looksAtOpen - 2));
      const sight = await inspectFrom(parts, position, inspection.to, 'everyone');
      const chosen = sight.chosen.get(position);
      // Anew: the writer may have continued.
      const isLast = looked === looksAtOpen - 1;
      outcome = chosen ? { filled: chosen } : await settleAsRead(parts, sight.settled)(position, sight, isLast);
    }
    return outcome;
  };
}

function votes({ status }: { status: Status | 'UNREACHABLE' }): boolean {
  return status === 'VOTING';
}
