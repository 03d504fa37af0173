/** Getting the positions of requests from the sequencer. */
import { settleAbandoned } from './abandoned.ts';
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
  reusesKey,
  type Settlements,
  type Wanted,
  type WriterRecord,
} from './sequencer.ts';

/** A process's memory of a writer between its appends; it may forget everything. */
export interface WriterMemory {
  writer?: WriterRecord | undefined;
  /** A writer that met a rival; it is not asked again even if its record could not be closed. */
  dismissed?: string;
  readonly settlements: Settlements;
}

export interface AppendRequest {
  readonly writerId: string;
  /** Names the request with its payload: the same one is placed once, also when it is repeated after an election. */
  readonly requestId: string;
  /** How the names of all requests with the same Idempotency-Key begin. */
  readonly key?: string | undefined;
  readonly content: Content;
}

export type Content =
  /** 1 to 64 entries: they go into one slot. */
  | { readonly type: 'APPEND'; readonly entries: readonly Uint8Array[] }
  | { readonly type: 'TRUNCATE'; readonly to: number };

/** Why a request got no positions. Nothing of it was sent. */
export type NotPlaced =
  /**
   * Elect again: another writer was elected, or this one was closed for a change of the members, for a recovered
   * replica or by its own process.
   */
  | { readonly notElected: true; readonly closed?: true }
  /** Too many processes append for the writer at once: repeat the request after a moment. */
  | { readonly throttled: true }
  /** The key came with another request, which is among the last ones. */
  | { readonly keyReused: true }
  /** The truncation would pass what a running backup still reads. */
  | { readonly held: Hold }
  | { readonly outOfRange: { readonly next: number } };

export interface Placed {
  readonly writer: WriterRecord;
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
  { writerId, requestId, key, content }: AppendRequest,
  displaced: number | undefined,
): Promise<Placed | NotPlaced> {
  const cached = memory.writer;
  memory.writer = undefined;
  const familiar = cached === undefined || placeOf(cached, requestId) !== undefined;
  // Without a hand-out that the store decides on, an old record in memory must not speak for a writer that was
  // replaced.
  let writer = familiar ? await parts.sequencer.read() : cached;
  for (let tried = 0; tried < placings; tried += 1) {
    if (!isElected(writer, writerId, memory)) return notElected(writer, writerId);
    const before = placeOf(writer, requestId);
    if (before && before.slot !== displaced) {
      memory.writer = writer;
      return { writer, place: before, again: true };
    }
    if (reusesKey(writer.recent, { requestId, key })) return { keyReused: true };
    const truncateTo = content.type === 'TRUNCATE' ? content.to : undefined;
    if (truncateTo !== undefined && truncateTo > writer.next) return { outOfRange: { next: writer.next } };
    const known = await ready(parts, memory, writer);
    if (!known) return { throttled: true };
    const taken = handOut(before ? forget(known, requestId) : known, [wanted({ requestId, content })]);
    const answer = await parts.sequencer.replace(writer, taken, truncateTo);
    if (answer.replaced) {
      remember(memory, taken);
      const own = { slot: writer.next, first: writer.next, count: taken.next - writer.next, shared: false };
      return { writer: taken, place: own, again: false };
    }
    if ('held' in answer) return { held: answer.held };
    writer = answer.writer;
    if (tried > 0) await parts.timer.sleep(parts.chance.number() * pauseMs * tried);
  }
  return { throttled: true };
}

export interface PlacedTogether {
  readonly writer: WriterRecord;
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
  const cached = memory.writer;
  memory.writer = undefined;
  let writer = cached ?? (await parts.sequencer.read());
  for (let tried = 0; tried < placings; tried += 1) {
    if (!request || !isElected(writer, request.writerId, memory)) return notElected(writer, request?.writerId);
    const current: WriterRecord = writer;
    const fresh = requests.filter((one, at) => {
      const others = [...current.recent, ...requests.slice(0, at)];
      return !placeOf(current, one.requestId) && !reusesKey(others, one);
    });
    if (fresh.length === 0) return { writer, slot: writer.next, fresh };
    const known = await ready(parts, memory, writer);
    if (!known) return { throttled: true };
    const taken = handOut(known, fresh.map(wanted));
    const answer = await parts.sequencer.replace(writer, taken);
    if (answer.replaced) {
      remember(memory, taken);
      return { writer: taken, slot: writer.next, fresh };
    }
    if ('held' in answer) return { held: answer.held };
    writer = answer.writer;
    await parts.timer.sleep(parts.chance.number() * pauseMs * (tried + 1));
  }
  return { throttled: true };
}

/**
 * The record with what is known to be settled by now. An exclusive writer has one slot on its way at a time, so that
 * the next election has no more than one to look for: undefined while that is open.
 */
async function ready(parts: LogParts, memory: WriterMemory, writer: WriterRecord): Promise<WriterRecord | undefined> {
  const known = () => advance(writer, memory.settlements, parts.timer.now());
  const isFree = ({ settled, next }: WriterRecord) => writer.exclusive !== 'here' || settled === next - 1;
  if (!isFree(known())) await settleAbandoned(parts, memory.settlements, writer, writer.next);
  return isFree(known()) ? known() : undefined;
}

function isElected(
  writer: WriterRecord | undefined,
  writerId: string,
  { dismissed }: WriterMemory,
): writer is WriterRecord {
  if (!writer || writer.writerId !== writerId || dismissed === writerId) return false;
  // Only the process of an exclusive writer knows the next position.
  return !writer.closed && writer.exclusive !== 'elsewhere';
}

/** Says whether the writer was closed, so that nobody was elected after it yet. */
function notElected(writer: WriterRecord | undefined, writerId: string | undefined): NotPlaced {
  return { notElected: true, ...(writer && writer.writerId === writerId && { closed: true }) };
}

function remember(memory: WriterMemory, taken: WriterRecord): void {
  memory.writer = taken;
  forgetSettled(memory.settlements, taken);
}

function wanted({ requestId, content }: Pick<AppendRequest, 'requestId' | 'content'>): Wanted {
  if (content.type === 'TRUNCATE') return { requestId, count: 1, truncates: true };
  return { requestId, count: content.entries.length, truncates: false };
}

/** The slot that a truncation ends in, or one before it: what is before it is given up. */
export async function floorOf(parts: LogParts, writer: WriterRecord, to: number): Promise<number> {
  if (to > writer.settled) return writer.settled + 1;
  const { start, floor } = await inspectFrom(parts, to, to);
  return floor <= to ? start : 0;
}
