/** Appending to a log as its elected writer. Design: docs/design/log.md, "Appending". */

import { versionOf } from '../../../api/ballot.ts';
import { settleAbandoned } from './abandoned.ts';
import { performed } from './acceptor.ts';
import { accepted, fill, gather, spread } from './fill.ts';
import { inspect } from './inspect.ts';
import { isForgotten, unlockAll } from './lock.ts';
import type { LogParts } from './log.ts';
import { count, isQuorum, StaleConfigurationError, UnreachableError } from './quorum.ts';
import { type Entry, type Lock, sameValue, type Value, type WriteAnswer } from './replica.ts';
import {
  advance,
  forget,
  forgetSettled,
  type Hold,
  handOut,
  markOf,
  placeOf,
  type Seat,
  type Settlements,
} from './sequencer.ts';

/** An entry of the request, by its place in it, that is in the log. */
export interface Kept {
  readonly index: number;
  readonly position: number;
}

export type Appended =
  | { readonly first: number; readonly last: number }
  /** Another writer has the seat, or this one lost it: elect again. */
  | { readonly notElected: true }
  /** The request is not in the log, or only these of its entries are. */
  | { readonly exclusivityLost: { readonly promised: number; readonly kept: readonly Kept[] } }
  /** Too many processes append for the writer at once; nothing was placed: repeat the request after a moment. */
  | { readonly throttled: true }
  /** It may be in the log or come into it: elect again and repeat the very same request. */
  | { readonly outcomeUnknown: true }
  /** A backup holds appends back for a moment: repeat the very same request. */
  | { readonly stateLocked: Lock }
  /** The truncation would pass what a running backup still reads. */
  | { readonly held: Hold }
  | { readonly outOfRange: { readonly next: number } };

/** A process's memory of a writer between its appends; it may forget everything. */
export interface WriterMemory {
  seat?: Seat | undefined;
  /** A writer that met a rival; it is not asked again even if its seat could not be closed. */
  dismissed?: string;
  readonly settlements: Settlements;
}

/** Tries of one request for its positions while other processes of the writer get theirs. */
export const placings = 24;
export const pauseMs = 10;

export interface AppendRequest {
  readonly writerId: string;
  /** Names the request with its payload: the same one is placed once, also when it is repeated after an election. */
  readonly requestId: string;
  /** The values in order: 1 to 64 entries, or one truncation. */
  readonly values: readonly Value[];
}

type Placed = { readonly seat: Seat; readonly first: number; readonly again: boolean };

/**
 * Appends the values at consecutive positions; answered once a quorum has them. What the request had at `displaced` was
 * settled with other values already.
 */
export async function append(
  parts: LogParts,
  memory: WriterMemory,
  request: AppendRequest,
  displaced?: number,
): Promise<Appended> {
  for (let round = 0; ; round += 1) {
    const placed = await place(parts, memory, request, displaced).catch(replacedBy(memory, { notElected: true }));
    if (!('seat' in placed)) return placed;
    const sending = placed.again ? repeat(parts, memory, placed, request) : send(parts, memory, placed, request);
    const outcome = await sending.catch(replacedBy(memory, { outcomeUnknown: true }));
    if (outcome !== 'displaced') return outcome;
    if (round === 2) return { outcomeUnknown: true };
    displaced = placed.first;
  }
}

/** A change of the members ends the writer; what it sent before may be in the log or come into it. */
export function replacedBy(memory: WriterMemory, outcome: Appended) {
  return (error: unknown): Appended => {
    if (!(error instanceof StaleConfigurationError)) throw error;
    memory.seat = undefined;
    return outcome;
  };
}

/**
 * Gets the request its positions: those that it had before, or the next ones. What it had at `displaced` was settled
 * with other values; another handler of the same request may have placed it anew since then.
 */
async function place(
  parts: LogParts,
  memory: WriterMemory,
  { writerId, requestId, values }: AppendRequest,
  displaced: number | undefined,
): Promise<Placed | Appended> {
  const cached = memory.seat;
  memory.seat = undefined;
  const familiar = cached === undefined || placeOf(cached, requestId) !== undefined;
  // Without a hand-out that the store decides on, an old seat in memory must not answer for a writer that was replaced.
  let seat = familiar ? await parts.seat.read() : cached;
  for (let tried = 0; tried < placings; tried += 1) {
    if (!seat || seat.writerId !== writerId || seat.closed || memory.dismissed === writerId)
      return { notElected: true };
    const before = placeOf(seat, requestId);
    if (before && before.first !== displaced) {
      memory.seat = seat;
      return { seat, first: before.first, again: true };
    }
    const [value] = values;
    const truncateTo = value?.type === 'TRUNCATE' ? value.to : undefined;
    if (truncateTo !== undefined && truncateTo > seat.next) return { outOfRange: { next: seat.next } };
    const known = advance(seat, memory.settlements, parts.timer.now());
    const taken: Seat = handOut(before ? forget(known, requestId) : known, requestId, values);
    const answer = await parts.seat.replace(seat.revision, taken, truncateTo);
    if (answer.replaced) {
      memory.seat = taken;
      forgetSettled(memory.settlements, taken);
      return { seat: taken, first: seat.next, again: false };
    }
    if ('held' in answer) return { held: answer.held };
    seat = answer.seat;
    if (tried > 0) await parts.timer.sleep(parts.chance.number() * pauseMs * tried);
  }
  return { throttled: true };
}

/** Writes the values to all replicas, and meanwhile settles what an earlier process left behind. */
export async function send(
  parts: LogParts,
  memory: WriterMemory,
  placed: Placed,
  request: AppendRequest,
): Promise<Appended | 'displaced'> {
  const [outcome] = await Promise.all([
    propose(parts, memory, placed, request),
    settleAbandoned(parts, memory.settlements, placed.seat, placed.first),
  ]);
  return outcome;
}

async function propose(
  parts: LogParts,
  memory: WriterMemory,
  { seat, first, again }: Placed,
  { values }: AppendRequest,
): Promise<Appended | 'displaced'> {
  const entries = values.map((value, at): Entry => ({ position: first + at, value }));
  const answers = await writeAll(parts, seat, entries);
  const rejected = answers.flatMap((answer) => (answer?.verdict === 'REJECT' ? [answer.promised] : []));
  const dismissed = rejected.length > 0 || count(answers, dismisses) > 0;
  if (isQuorum(parts, answers, accepted)) {
    if (dismissed) await close(parts, memory, seat);
    return acknowledge(parts, memory, seat, entries);
  }
  if (count(answers, ({ verdict }) => verdict === 'LEARNED') > 0) {
    return conclude(parts, memory, seat, entries);
  }
  if (dismissed) {
    await close(parts, memory, seat);
    const nothingStored = !again && answers.every((answer) => answer !== undefined && isFinal(answer));
    const promised = Math.max(seat.number, ...rejected);
    // Without a rival it was only a recovered replica that asks for another election.
    if (nothingStored && rejected.length === 0) return { notElected: true };
    if (nothingStored) return { exclusivityLost: { promised, kept: [] } };
    const known = await outcomeOf(parts, entries);
    if (known === 'open') return { outcomeUnknown: true };
    if (known.length === entries.length) return acknowledge(parts, memory, seat, entries);
    // Another handler of the same request may have placed it anew: the next writer knows.
    if (again && known.length === 0) return { notElected: true };
    return { exclusivityLost: { promised, kept: known } };
  }
  const locked = answers.find((answer) => answer?.verdict === 'LOCKED');
  if (locked?.verdict === 'LOCKED') {
    if (isForgotten(parts, locked.lock)) await unlockAll(parts, locked.lock.lockId);
    return { stateLocked: locked.lock };
  }
  await close(parts, memory, seat);
  return { outcomeUnknown: true };
}

/** Sends values that the seat gave these positions to, under the seat's ballot. */
export function writeAll(parts: LogParts, seat: Seat, entries: readonly Entry[]) {
  const { number, writerId: by, views } = seat;
  const mark = markOf(seat);
  return gather<WriteAnswer>(parts, views, (replica, view) =>
    replica.write({ number, by, view, entries, ...(mark && { learnedTo: mark }) }),
  );
}

async function acknowledge(
  parts: LogParts,
  memory: WriterMemory,
  { number, writerId: by }: Seat,
  entries: readonly Entry[],
): Promise<Appended> {
  const first = entries[0]?.position ?? 0;
  const [entry] = entries;
  if (entry?.value.type === 'TRUNCATE') {
    const known = await spread(parts, {
      ...performed(entry.position, { number, by }, entry.value),
      learned: true,
    });
    if (!('filled' in known)) return { outcomeUnknown: true };
  }
  for (const { position } of entries) memory.settlements.set(position, 'own');
  return { first, last: first + entries.length - 1 };
}

/** A request that was placed before: answers what became of it, or brings it to its end. */
async function repeat(
  parts: LogParts,
  memory: WriterMemory,
  placed: Placed,
  request: AppendRequest,
): Promise<Appended | 'displaced'> {
  const { seat, first } = placed;
  const entries = request.values.map((value, at): Entry => ({ position: first + at, value }));
  const { chosen, begin } = await inspect(parts, first, first + entries.length - 1);
  const untouched = first >= begin && entries.every(({ position }) => !chosen.has(position));
  return untouched && first >= seat.first && !(await isHeld(parts, request))
    ? propose(parts, memory, placed, request)
    : conclude(parts, memory, seat, entries);
}

/** Whether a backup, since the request was placed, reads what it would truncate. */
async function isHeld({ seat }: LogParts, { values: [value] }: AppendRequest): Promise<boolean> {
  if (value?.type !== 'TRUNCATE') return false;
  const held = await seat.held();
  return held !== undefined && value.to > held.from;
}

/** Settles those of the positions that are still open: then the request is in the log, or displaced by other values. */
async function conclude(
  parts: LogParts,
  memory: WriterMemory,
  seat: Seat,
  entries: readonly Entry[],
): Promise<Appended | 'displaced'> {
  const { number, views } = seat;
  const first = entries[0]?.position ?? 0;
  const { chosen, begin } = await inspect(parts, first, first + entries.length - 1);
  for (const { position } of entries) {
    if (position < begin || chosen.has(position)) continue;
    const outcome = await fill(parts, { views, position, toBeat: number, version: versionOf(number) });
    if (!('filled' in outcome)) return { outcomeUnknown: true };
  }
  const known = await outcomeOf(parts, entries);
  if (known === 'open') return { outcomeUnknown: true };
  if (known.length === entries.length) return acknowledge(parts, memory, seat, entries);
  for (const { position } of entries) memory.settlements.set(position, 'filled');
  return known.length === 0 ? 'displaced' : { exclusivityLost: { promised: number, kept: known } };
}

/**
 * Which of the entries the log holds; open while that is not settled, or no longer to be told since it was truncated.
 */
async function outcomeOf(parts: LogParts, entries: readonly Entry[]): Promise<'open' | Kept[]> {
  const first = entries[0]?.position ?? 0;
  const { chosen, begin } = await inspect(parts, first, first + entries.length - 1);
  if (first < begin || entries.some(({ position }) => !chosen.has(position))) return 'open';
  return entries.flatMap(({ position, value }, index) => {
    const action = chosen.get(position);
    return action && sameValue(action.value, value) ? [{ index, position }] : [];
  });
}

/** A writer that met a rival writes nothing more, in whatever process: its next append is told to elect again. */
async function close(parts: LogParts, memory: WriterMemory, { number, writerId }: Seat): Promise<void> {
  memory.seat = undefined;
  memory.dismissed = writerId;
  try {
    let seat = await parts.seat.read();
    for (
      let tried = 0;
      tried < 5 && seat?.number === number && seat.writerId === writerId && !seat.closed;
      tried += 1
    ) {
      const answer = await parts.seat.replace(seat.revision, { ...seat, revision: seat.revision + 1, closed: true });
      if (answer.replaced || !('seat' in answer)) return;
      seat = answer.seat;
    }
  } catch (error) {
    if (!(error instanceof UnreachableError)) throw error;
  }
}

/** A late duplicate of a request that was refused so stores nothing either. */
function isFinal(answer: WriteAnswer): boolean {
  return answer.verdict === 'REJECT' || dismisses(answer);
}

function dismisses({ verdict }: WriteAnswer): boolean {
  return verdict === 'STALE_VIEW' || verdict === 'IGNORED';
}
