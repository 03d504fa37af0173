/** From a batch of the table's stream to the bus. */
import type { DynamoDBRecord } from 'aws-lambda';
import type { TenureEvent } from '../../api/events.ts';
import { logger } from '../platform/logging.ts';
import { count } from '../platform/metrics.ts';
import { type Change, changeOf } from './change.ts';
import { eventOf } from './event.ts';
import { Unreadable } from './raw-event.ts';

/** What became of an event; `refused` for good, or to be sent again. */
export type Sent = 'published' | 'again' | { readonly refused: string };

export interface EventBus {
  /** One outcome per event, in their order. What the bus did not answer is `again`. */
  publish(events: readonly PublishedEvent[]): Promise<Sent[]>;
}

export interface PublishedEvent extends TenureEvent {
  /** Epoch ms. */
  readonly writtenAt: number;
}

/** Where a change waits for an operator that cannot become an event, so that it holds up no other. */
export interface AsideQueue {
  put(change: Pick<Change, 'id' | 'sequence' | 'pk' | 'sk'> & { readonly reason: string }): Promise<void>;
}

export interface Publishing {
  readonly bus: EventBus;
  readonly aside: AsideQueue;
}

/**
 * Publishes what is an event, at least once, and answers the stream's numbers of those that have to come again. The stream then begins again at
 * the first of them, so that what follows it can be published twice.
 */
export async function publishRecords(room: Publishing, records: readonly DynamoDBRecord[]): Promise<string[]> {
  const read = records.map(readRecord);
  const outcomes = await room.bus.publish(read.flatMap(({ event }) => event ?? []));
  const failed: string[] = [];
  for (const { record, change, event, unreadable } of read) {
    const outcome = event && outcomes.shift();
    const reason = unreadable ?? (typeof outcome === 'object' ? outcome.refused : undefined);
    // Behind one that comes again this one does too, and would be set aside each time.
    const asideNow = reason !== undefined && failed.length === 0 && (await setAside(room, change, reason));
    const done = reason === undefined ? outcome !== 'again' : asideNow;
    if (!done) failed.push(record.dynamodb?.SequenceNumber ?? '');
  }
  return failed;
}

interface Read {
  readonly record: DynamoDBRecord;
  readonly change: Change;
  readonly event?: PublishedEvent | undefined;
  readonly unreadable?: string;
}

function readRecord(record: DynamoDBRecord): Read {
  const change = changeOf(record);
  try {
    const event = eventOf(change);
    return { record, change, event: event && { ...event, writtenAt: change.writtenAt } };
  } catch (error) {
    if (error instanceof Unreadable) return { record, change, unreadable: error.message };
    logger.error('A change breaks what reads it', { eventId: change.id, error: error as Error });
    return { record, change, unreadable: 'it cannot be read' };
  }
}

async function setAside({ aside }: Publishing, { id, sequence, pk, sk }: Change, reason: string): Promise<boolean> {
  logger.error('A change was set aside', { eventId: id, sequence, pk, sk, reason });
  count('EventsSetAside');
  try {
    await aside.put({ id, sequence, pk, sk, reason });
    return true;
  } catch (error) {
    logger.error('The queue does not take what was set aside', { error: error as Error });
    return false;
  }
}
