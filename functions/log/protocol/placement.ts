/** Getting the positions of requests from the sequencer. */
import { inspectFrom } from './inspect.ts';
import type { LogParts } from './log.ts';
import {
  advance,
  forget,
  forgetSettled,
  type Hold,
  handOut,
  type Place,
  placeOf,
  type Seat,
  type Settlements,
  type Wanted,
} from './sequencer.ts';

/** A process's memory of a writer between its appends; it may forget everything. */
export interface WriterMemory {
  seat?: Seat | undefined;
  /** A writer that met a rival; it is not asked again even if its seat could not be closed. */
  dismissed?: string;
  readonly settlements: Settlements;
}

export interface AppendRequest {
  readonly writerId: string;
  /** Names the request with its payload: the same one is placed once, also when it is repeated after an election. */
  readonly requestId: string;
  readonly content: Content;
}

export type Content =
  /** 1 to 64 entries: they go into one slot. */
  | { readonly type: 'APPEND'; readonly entries: readonly Uint8Array[] }
  | { readonly type: 'TRUNCATE'; readonly to: number };

/** Why a request got no positions. Nothing of it was sent. */
export type NotPlaced =
  /** Another writer has the seat, or this one lost it: elect again. */
  | { readonly notElected: true }
  /** Too many processes append for the writer at once: repeat the request after a moment. */
  | { readonly throttled: true }
  /** The truncation would pass what a running backup still reads. */
  | { readonly held: Hold }
  | { readonly outOfRange: { readonly next: number } };

export interface Placed {
  readonly seat: Seat;
  readonly place: Place;
  /** It had its place before. */
  readonly again: boolean;
}

/** Tries of one request for its positions while other processes of the writer get theirs. */
const placings = 24;
const pauseMs = 10;

/**
 * Gets the request its positions: those that it had before, or the next ones. The slot `displaced` of the request was
 * settled with another value; another handler of the same request may have placed it anew since then.
 */
export async function place(
  parts: LogParts,
  memory: WriterMemory,
  { writerId, requestId, content }: AppendRequest,
  displaced: number | undefined,
): Promise<Placed | NotPlaced> {
  const cached = memory.seat;
  memory.seat = undefined;
  const familiar = cached === undefined || placeOf(cached, requestId) !== undefined;
  // Without a hand-out that the store decides on, an old seat in memory must not answer for a writer that was replaced.
  let seat = familiar ? await parts.seat.read() : cached;
  for (let tried = 0; tried < placings; tried += 1) {
    if (!isSeated(seat, writerId, memory)) return { notElected: true };
    const before = placeOf(seat, requestId);
    if (before && before.slot !== displaced) {
      memory.seat = seat;
      return { seat, place: before, again: true };
    }
    const truncateTo = content.type === 'TRUNCATE' ? content.to : undefined;
    if (truncateTo !== undefined && truncateTo > seat.next) return { outOfRange: { next: seat.next } };
    const known = advance(seat, memory.settlements, parts.timer.now());
    const taken = handOut(before ? forget(known, requestId) : known, [wanted({ requestId, content })]);
    const answer = await parts.seat.replace(seat.revision, taken, truncateTo);
    if (answer.replaced) {
      remember(memory, taken);
      const own = { slot: seat.next, first: seat.next, count: taken.next - seat.next, shared: false };
      return { seat: taken, place: own, again: false };
    }
    if ('held' in answer) return { held: answer.held };
    seat = answer.seat;
    if (tried > 0) await parts.timer.sleep(parts.chance.number() * pauseMs * tried);
  }
  return { throttled: true };
}

export interface PlacedTogether {
  readonly seat: Seat;
  /** The slot of those that had no place before; they share it in this order. */
  readonly slot: number;
  readonly fresh: readonly AppendRequest[];
}

/** Gets one slot for those of the requests that have no place yet, in one write of the sequencer. */
export async function placeTogether(
  parts: LogParts,
  memory: WriterMemory,
  requests: readonly AppendRequest[],
): Promise<PlacedTogether | NotPlaced> {
  const [request] = requests;
  const cached = memory.seat;
  memory.seat = undefined;
  let seat = cached ?? (await parts.seat.read());
  for (let tried = 0; tried < placings; tried += 1) {
    if (!request || !isSeated(seat, request.writerId, memory)) return { notElected: true };
    const current: Seat = seat;
    const fresh = requests.filter(({ requestId }) => !placeOf(current, requestId));
    if (fresh.length === 0) return { seat, slot: seat.next, fresh };
    const taken = handOut(advance(seat, memory.settlements, parts.timer.now()), fresh.map(wanted));
    const answer = await parts.seat.replace(seat.revision, taken);
    if (answer.replaced) {
      remember(memory, taken);
      return { seat: taken, slot: seat.next, fresh };
    }
    if ('held' in answer) return { held: answer.held };
    seat = answer.seat;
    await parts.timer.sleep(parts.chance.number() * pauseMs * (tried + 1));
  }
  return { throttled: true };
}

function isSeated(seat: Seat | undefined, writerId: string, { dismissed }: WriterMemory): seat is Seat {
  return seat !== undefined && seat.writerId === writerId && !seat.closed && dismissed !== writerId;
}

function remember(memory: WriterMemory, taken: Seat): void {
  memory.seat = taken;
  forgetSettled(memory.settlements, taken);
}

function wanted({ requestId, content }: Pick<AppendRequest, 'requestId' | 'content'>): Wanted {
  if (content.type === 'TRUNCATE') return { requestId, count: 1, truncates: true };
  return { requestId, count: content.entries.length, truncates: false };
}

/** The slot that a truncation ends in, or one before it: what is before it is given up. */
export async function floorOf(parts: LogParts, seat: Seat, to: number): Promise<number> {
  if (to > seat.settled) return seat.settled + 1;
  const { start, floor } = await inspectFrom(parts, to, to);
  return floor <= to ? start : 0;
}
