/** Appending several requests of one writer in one slot. Design: docs/design/log.md, "Group commit". */
import {
  type Appended,
  append,
  closedByChange,
  replacedBy,
  type Sent,
  send,
  together,
  whenThrottled,
} from './append.ts';
import type { LogParts } from './log.ts';
import { type AppendRequest, type PlacedTogether, placeTogether, type WriterMemory } from './placement.ts';

/**
 * Appends several requests of one writer, none of them a truncation: the ones that were not placed before share one
 * slot. Each gets its own outcome.
 */
export async function appendTogether(
  parts: LogParts,
  memory: WriterMemory,
  requests: readonly AppendRequest[],
): Promise<Appended[]> {
  const placed = await placeTogether(parts, memory, requests)
    .catch(replacedBy(memory, closedByChange))
    .catch(whenThrottled);
  if (!('fresh' in placed)) return requests.map(() => placed);
  const { slot, fresh } = placed;
  const outcome = fresh.length > 0 ? await sendShared(parts, memory, placed) : { displaced: true as const };
  const outcomes = new Map<AppendRequest, Appended>();
  let first = slot;
  for (const request of fresh) {
    const last = first + entriesOf(request).length - 1;
    if ('displaced' in outcome) outcomes.set(request, await append(parts, memory, request, slot));
    else outcomes.set(request, 'in' in outcome ? { first, last } : outcome);
    first = last + 1;
  }
  const answers: Appended[] = [];
  for (const request of requests) answers.push(outcomes.get(request) ?? (await append(parts, memory, request)));
  return answers;
}

async function sendShared(parts: LogParts, memory: WriterMemory, placed: PlacedTogether): Promise<Sent> {
  const { writer, slot, fresh } = placed;
  const value = together(fresh.map((request) => ({ requestId: request.requestId, entries: entriesOf(request) })));
  return send(parts, memory, { writer, slot, value }).catch(replacedBy(memory, { outcomeUnknown: true as const }));
}

function entriesOf({ content }: AppendRequest): readonly Uint8Array[] {
  return content.type === 'APPEND' ? content.entries : [];
}
