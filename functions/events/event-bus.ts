import { type EventBridgeClient, PutEventsCommand, type PutEventsResultEntry } from '@aws-sdk/client-eventbridge';
import { eventSource } from '../../api/events.ts';
import { mapConcurrent } from '../../archive/map-concurrent.ts';
import { logger } from '../platform/logging.ts';
import type { EventBus, PublishedEvent, Sent } from './publishing.ts';

/** Most entries of one request. */
const atOnce = 10;

/** Error codes of an entry that the bus will never accept. */
const final = new Set(['InvalidArgument', 'MalformedDetail', 'NotAuthorizedForSourceException']);

/** Binds the port to an EventBridge bus. */
export function eventBridgeBus(client: EventBridgeClient, busName: string): EventBus {
  const put = async (events: readonly PublishedEvent[]): Promise<Sent[]> => {
    const Entries = events.map(({ type, detail, writtenAt }) => ({
      EventBusName: busName,
      Source: eventSource,
      DetailType: type,
      Time: new Date(writtenAt),
      Detail: JSON.stringify(detail),
    }));
    try {
      const answer = await client.send(new PutEventsCommand({ Entries }));
      return events.map((_, at) => outcomeOf(answer.Entries?.[at]));
    } catch (error) {
      logger.warn('The event bus did not respond', { error: error as Error, events: events.length });
      return events.map(() => 'again');
    }
  };

  return {
    async publish(events) {
      const requests = Array.from({ length: Math.ceil(events.length / atOnce) }, (_, at) =>
        events.slice(at * atOnce, (at + 1) * atOnce),
      );
      return (await mapConcurrent(requests, 4, put)).flat();
    },
  };
}

function outcomeOf({ EventId, ErrorCode, ErrorMessage }: PutEventsResultEntry = {}): Sent {
  if (EventId) return 'published';
  logger.warn('The event bus refused an event', { code: ErrorCode, reason: ErrorMessage });
  return final.has(ErrorCode ?? '') ? { refused: `the event bus refuses it: ${ErrorCode}` } : 'again';
}
