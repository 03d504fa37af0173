/** From a batch of the table's stream to the bus. */
import type { DynamoDBRecord } from 'aws-lambda';
import type { TenureEvent } from '../../api/events.ts';
import { logger } from '../platform/logging.ts';
import { count } from '../platform/metrics.ts';
import { type Change, changeOf } from './change.ts';
import { eventOf } from './event.ts';
import { UnreadableChangeError } from './raw-event.ts';

/** The outcome of one event: `refused` is final, `again` must be sent again. */
export type Sent = 'published' | 'again' | { readonly refused: string };

export interface EventBus {
  /** One outcome per event, in their order. An event without a response from the bus is `again`. */
  publish(events: readonly PublishedEvent[]): Promise<Sent[]>;
}

export interface PublishedEvent extends TenureEvent {
  /** Epoch ms. */
  readonly writtenAt: number;
}

/** Keeps changes that cannot become an event for an operator, so that they hold up no other. */
export interface DeadLetterQueue {
  put(change: Pick<Change, 'id' | 'sequence' | 'pk' | 'sk'> & { readonly reason: string }): Promise<void>;
}

export interface Publishing {
  readonly bus: EventBus;
  readonly deadLetters: DeadLetterQueue;
}

/**
 * Publishes each event at least once and returns the stream's numbers of the records that have to be delivered again.
 * The stream then restarts at the first of them, so a later record can be published twice.
 */
export async function publishRecords(publishing: Publishing, records: readonly DynamoDBRecord[]): Promise<string[]> {
  const read = records.map(readRecord);
  const events = read.flatMap((one) => (one.kind === 'event' ? [one.event] : []));
  const sent = await publishing.bus.publish(events);
  const outcomes = new Map(events.map((event, at) => [event, sent[at] ?? 'again']));
  const failed: string[] = [];
  for (const one of read) {
    const reason = refusalOf(one, outcomes);
    // After a record that is delivered again, this one is too, and would be dead-lettered each time.
    const done =
      reason === undefined
        ? one.kind !== 'event' || outcomes.get(one.event) === 'published'
        : failed.length === 0 && (await deadLetter(publishing, one.change, reason));
    if (!done) failed.push(one.record.dynamodb?.SequenceNumber ?? '');
  }
  return failed;
}

type ReadRecord = { readonly record: DynamoDBRecord; readonly change: Change } & (
  | { readonly kind: 'event'; readonly event: PublishedEvent }
  | { readonly kind: 'unreadable'; readonly reason: string }
  | { readonly kind: 'none' }
);

function readRecord(record: DynamoDBRecord): ReadRecord {
  const change = changeOf(record);
  try {
    const event = eventOf(change);
    if (!event) return { kind: 'none', record, change };
    return { kind: 'event', record, change, event: { ...event, writtenAt: change.writtenAt } };
  } catch (error) {
    if (error instanceof UnreadableChangeError) return { kind: 'unreadable', record, change, reason: error.message };
    logger.error('Reading a change failed', { eventId: change.id, error: error as Error });
    return { kind: 'unreadable', record, change, reason: 'it cannot be read' };
  }
}

/** Why a change can never be published; undefined when it can, or is no event. */
function refusalOf(read: ReadRecord, outcomes: ReadonlyMap<PublishedEvent, Sent>): string | undefined {
  if (read.kind === 'unreadable') return read.reason;
  const outcome = read.kind === 'event' ? outcomes.get(read.event) : undefined;
  return typeof outcome === 'object' ? outcome.refused : undefined;
}

async function deadLetter(
  { deadLetters }: Publishing,
  { id, sequence, pk, sk }: Change,
  reason: string,
): Promise<boolean> {
  logger.error('Moved a change to the dead-letter queue', { eventId: id, sequence, pk, sk, reason });
  count('EventsDeadLettered');
  try {
    await deadLetters.put({ id, sequence, pk, sk, reason });
    return true;
  } catch (error) {
    logger.error('The dead-letter queue rejected a change', { error: error as Error });
    return false;
  }
}
