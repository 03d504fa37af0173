/** Appending to a log as its elected writer. Design: docs/design/log.md, "Appending". */
import { settleAbandoned } from './abandoned.ts';
import { classify } from './answers.ts';
import { conclude, isHeld, outcomeOf, type Settled } from './conclude.ts';
import { gather, spread } from './fill.ts';
import { inspectFrom } from './inspect.ts';
import { isForgotten, unlockAll } from './lock.ts';
import type { LogParts } from './log.ts';
import { type AppendRequest, floorOf, type NotPlaced, type Placed, place, type WriterMemory } from './placement.ts';
import { StaleConfigurationError, ThrottledError, UnreachableError } from './quorum.ts';
import { type Lock, lengthOf, type Value, type WriteAnswer } from './replica.ts';
import { markOf, type WriterRecord } from './sequencer.ts';
import { Sending } from './write-slot.ts';

export type Appended =
  | { readonly first: number; readonly last: number }
  | NotPlaced
  /** The request is not in the log. */
  | { readonly exclusivityLost: { readonly promised: number } }
  /** It may be in the log or come into it: elect again and repeat the very same request. */
  | { readonly outcomeUnknown: true }
  /** A backup holds appends back for a moment: repeat the very same request. */
  | { readonly stateLocked: Lock };

/** Tries of a request whose slot was settled with another value. */
const mostPlaces = 3;

/** How long replicas may still say that nothing has reached them, once the others are throttled. */
const lastWordMs = 1_000;

/**
 * Appends the entries in one slot; answered once a quorum has it. The slot `displaced` of the request was settled with
 * another value already.
 */
export async function append(
  parts: LogParts,
  memory: WriterMemory,
  request: AppendRequest,
  displaced?: number,
): Promise<Appended> {
  let former = displaced;
  for (let tried = 0; tried < mostPlaces; tried += 1) {
    const placed = await place(parts, memory, request, former)
      .catch(replacedBy(memory, closedByChange))
      .catch(whenThrottled);
    if (!('writer' in placed)) return placed;
    const sending = placed.again ? repeat(parts, memory, placed, request) : sendAlone(parts, memory, placed, request);
    const outcome = await sending.catch(replacedBy(memory, { outcomeUnknown: true as const }));
    if ('in' in outcome) return rangeOf(placed);
    if (!('displaced' in outcome)) return outcome;
    former = placed.place.slot;
  }
  return { outcomeUnknown: true };
}

function rangeOf({ place: { first, count } }: Placed): Appended {
  return { first, last: first + count - 1 };
}

/** Of a sequencer that was throttled the request may have its place, but nothing was sent. */
export function whenThrottled(error: unknown): { readonly throttled: true } {
  if (error instanceof ThrottledError) return { throttled: true };
  throw error;
}

/** The outcome of a slot that was sent. */
export type Sent =
  | { readonly in: true }
  | { readonly displaced: true }
  | Exclude<Appended, { readonly first: number } | { readonly outOfRange: unknown }>;

/** Of a request that has no place yet. */
export const closedByChange = { notElected: true, closed: true } as const;

/** A change of the members ends the writer; what it sent before may be in the log or come into it. */
export function replacedBy<Outcome>(memory: WriterMemory, outcome: Outcome) {
  return (error: unknown): Outcome => {
    if (!(error instanceof StaleConfigurationError)) throw error;
    memory.writer = undefined;
    return outcome;
  };
}

async function sendAlone(parts: LogParts, memory: WriterMemory, placed: Placed, request: AppendRequest): Promise<Sent> {
  const {
    writer,
    place: { slot },
  } = placed;
  return send(parts, memory, { writer, slot, value: await toValue(parts, writer, request) });
}

async function toValue(parts: LogParts, writer: WriterRecord, { requestId, content }: AppendRequest): Promise<Value> {
  if (content.type === 'TRUNCATE') {
    return { type: 'TRUNCATE', to: content.to, floor: await floorOf(parts, writer, content.to), requestId };
  }
  return together([{ requestId, entries: content.entries }]);
}

/** The value of a slot that requests share. */
export function together(requests: readonly { requestId: string; entries: readonly Uint8Array[] }[]): Value {
  return {
    type: 'APPEND',
    requests: requests.map(({ requestId, entries }) => ({ requestId, count: entries.length })),
    entries: requests.flatMap(({ entries }) => entries),
  };
}

export interface Proposal {
  readonly writer: WriterRecord;
  readonly slot: number;
  readonly value: Value;
}

/** Writes the slot to all replicas, and meanwhile settles what an earlier process left behind. */
export async function send(parts: LogParts, memory: WriterMemory, proposal: Proposal): Promise<Sent> {
  const [outcome] = await Promise.all([
    propose(parts, memory, proposal, false),
    settleAbandoned(parts, memory.settlements, proposal.writer, proposal.slot),
  ]);
  return outcome;
}

async function propose(parts: LogParts, memory: WriterMemory, proposal: Proposal, again: boolean): Promise<Sent> {
  const { writer, slot, value } = proposal;
  const sending = new Sending(parts);
  const answers = await writeAll(parts, writer, slot, value, sending);
  const verdict = classify(parts, answers, sending.putOff);
  switch (verdict.kind) {
    case 'chosen':
      if (verdict.dismissed) await close(parts, memory, writer);
      return acknowledge(parts, memory, proposal);
    case 'learned':
      return orDisplaced(await conclude(parts, memory.settlements, proposal), writer.number);
    case 'dismissed': {
      await close(parts, memory, writer);
      // A replica that refused to accept the value may hold it staged, and a later fill may find it there.
      const known = await outcomeOf(parts, slot, value);
      // Another handler of the same request may have placed it anew: the next writer knows.
      if (known === 'displaced' && again) return { notElected: true };
      return toSent(known, verdict.promised ?? writer.number);
    }
    case 'locked':
      if (isForgotten(parts, verdict.lock)) await unlockAll(parts, verdict.lock.lockId);
      return { stateLocked: verdict.lock };
    case 'throttled':
      return (await sending.hasReached(lastWordMs)) ? { outcomeUnknown: true } : { throttled: true };
    case 'silent':
      await close(parts, memory, writer);
      return { outcomeUnknown: true };
  }
}

/** A settled slot, for a request that can be placed anew. */
function orDisplaced(settled: Settled, promised: number): Sent {
  return settled === 'displaced' ? { displaced: true } : toSent(settled, promised);
}

/** The same for one that cannot: its writer has ended. */
function toSent(settled: Settled, promised: number): Sent {
  switch (settled) {
    case 'in':
      return { in: true };
    case 'displaced':
      return { exclusivityLost: { promised } };
    case 'open':
      return { outcomeUnknown: true };
  }
}

/** Sends a value for the slot that the sequencer handed out, under the writer's ballot. */
export function writeAll(
  parts: LogParts,
  writer: WriterRecord,
  slot: number,
  value: Value,
  sending: Sending = new Sending(parts),
) {
  const { number, writerId: by, views } = writer;
  const mark = markOf(writer);
  return gather<WriteAnswer>(parts, views, (replica, view) =>
    sending.write(replica, { number, by, view, position: slot, value, ...(mark && { learnedTo: mark }) }),
  );
}

async function acknowledge(parts: LogParts, memory: WriterMemory, { writer, slot, value }: Proposal): Promise<Sent> {
  if (value.type === 'TRUNCATE') {
    const { number, writerId: by } = writer;
    const chosen = { position: slot, promised: number, promisedBy: by, performed: number, performedBy: by, value };
    const known = await spread(parts, { ...chosen, learned: true });
    if (!('filled' in known)) return { outcomeUnknown: true };
  }
  memory.settlements.set(slot, { last: slot + lengthOf(value) - 1, how: 'own' });
  return { in: true };
}

/** A request that was placed before: answers what became of it, or brings it to its end. */
async function repeat(parts: LogParts, memory: WriterMemory, placed: Placed, request: AppendRequest): Promise<Sent> {
  const {
    writer,
    place: { slot, shared },
  } = placed;
  const value = await toValue(parts, writer, request);
  const ofThisTerm = slot >= writer.first;
  // The others of the slot are not known here, and the process that knows them may still be sending it.
  for (let waited = 0; waited < 5 && shared && ofThisTerm && (await isOpen(parts, slot)); waited += 1) {
    await parts.timer.sleep(parts.settings.stuckMs / 5);
  }
  if (!shared && ofThisTerm && (await isOpen(parts, slot)) && !(await isHeld(parts, request))) {
    return propose(parts, memory, { writer, slot, value }, true);
  }
  const settled = await conclude(parts, memory.settlements, { writer, slot, value });
  return orDisplaced(settled, writer.number);
}

async function isOpen(parts: LogParts, slot: number): Promise<boolean> {
  const { floor, chosen } = await inspectFrom(parts, slot, slot);
  return slot >= floor && !chosen.has(slot);
}

/** A writer that met a rival writes nothing more, in whatever process: its next append is told to elect again. */
async function close(parts: LogParts, memory: WriterMemory, { number, writerId }: WriterRecord): Promise<void> {
  memory.writer = undefined;
  memory.dismissed = writerId;
  try {
    let writer = await parts.sequencer.read();
    for (
      let tried = 0;
      tried < 5 && writer?.number === number && writer.writerId === writerId && !writer.closed;
      tried += 1
    ) {
      const answer = await parts.sequencer.replace(writer, { ...writer, revision: writer.revision + 1, closed: true });
      if (answer.replaced || !('writer' in answer)) return;
      writer = answer.writer;
    }
  } catch (error) {
    if (!(error instanceof UnreachableError)) throw error;
  }
}
