/** Appending several requests of one writer in one round. Design: docs/design/log.md, "Group commit". */
import {
  type Appended,
  type AppendRequest,
  append,
  pauseMs,
  placings,
  replacedBy,
  send,
  type WriterMemory,
} from './append.ts';
import type { LogParts } from './log.ts';
import { advance, forgetSettled, handOutTogether, placeOf, type Seat } from './sequencer.ts';

/**
 * Appends several requests of one writer, none of them a truncation: the ones that were not placed before share one
 * write of the sequencer and one round of the replicas. Each gets its own outcome.
 */
export async function appendTogether(
  parts: LogParts,
  memory: WriterMemory,
  requests: readonly AppendRequest[],
): Promise<Appended[]> {
  const placed = await placeTogether(parts, memory, requests).catch(replacedBy(memory, { notElected: true }));
  if ('placed' in placed) {
    const { seat, fresh } = placed;
    const values = fresh.flatMap((request) => request.values);
    const all = { writerId: seat.writerId, requestId: '', values };
    const first = seat.next - values.length;
    const sending = send(parts, memory, { seat, first, again: false }, all);
    const outcome = await sending.catch(replacedBy(memory, { outcomeUnknown: true }));
    const outcomes = new Map<AppendRequest, Appended>();
    let offset = 0;
    for (const request of fresh) {
      const own = { first: first + offset, offset, count: request.values.length };
      const shared = outcome === 'displaced' ? undefined : shareOf(outcome, own);
      outcomes.set(request, shared ?? (await append(parts, memory, request, own.first)));
      offset += own.count;
    }
    const answers: Appended[] = [];
    for (const request of requests) answers.push(outcomes.get(request) ?? (await append(parts, memory, request)));
    return answers;
  }
  return requests.map(() => placed);
}

/** The outcome of one request of those that shared a round. */
function shareOf(
  outcome: Appended,
  { first, offset, count: own }: { first: number; offset: number; count: number },
): Appended {
  if ('first' in outcome) return { first, last: first + own - 1 };
  if (!('exclusivityLost' in outcome)) return outcome;
  const { promised, kept } = outcome.exclusivityLost;
  const mine = kept.filter(({ index }) => index >= offset && index < offset + own);
  if (mine.length === own) return { first, last: first + own - 1 };
  const shifted = mine.map(({ index, position }) => ({ index: index - offset, position }));
  return { exclusivityLost: { promised, kept: shifted } };
}

type PlacedTogether = { readonly placed: true; readonly seat: Seat; readonly fresh: readonly AppendRequest[] };

/** Gets positions for those of the requests that have none yet, in one write of the sequencer. */
async function placeTogether(
  parts: LogParts,
  memory: WriterMemory,
  requests: readonly AppendRequest[],
): Promise<PlacedTogether | Appended> {
  const writerId = requests[0]?.writerId;
  const cached = memory.seat;
  memory.seat = undefined;
  let seat = cached ?? (await parts.seat.read());
  for (let tried = 0; tried < placings; tried += 1) {
    if (!seat || seat.writerId !== writerId || seat.closed || memory.dismissed === writerId) {
      return { notElected: true };
    }
    const fresh = requests.filter(({ requestId }) => !placeOf(seat as Seat, requestId));
    if (fresh.length === 0) return { placed: true, seat, fresh };
    const known = advance(seat, memory.settlements, parts.timer.now());
    const taken = handOutTogether(known, fresh);
    const answer = await parts.seat.replace(seat.revision, taken);
    if (answer.replaced) {
      memory.seat = taken;
      forgetSettled(memory.settlements, taken);
      return { placed: true, seat: taken, fresh };
    }
    if (!('seat' in answer)) return { outcomeUnknown: true };
    seat = answer.seat;
    await parts.timer.sleep(parts.chance.number() * pauseMs * (tried + 1));
  }
  return { throttled: true };
}
