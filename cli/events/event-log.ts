import { setTimeout as pause } from 'node:timers/promises';
import type { CloudWatchLogsClient, FilterLogEventsCommandOutput } from '@aws-sdk/client-cloudwatch-logs';
import type { BusEvent, EventSource } from './bus-event.ts';
import { readEvent } from './bus-event.ts';

const pollMs = 2_000;
/** CloudWatch shows events up to so long after they were written, and not in their order. */
const settlesMs = 60_000;

/** The log group of a deployment in which a rule keeps every event. */
export async function eventLog(logGroupName: string, region: string | undefined): Promise<EventSource> {
  const { CloudWatchLogsClient, FilterLogEventsCommand } = await import('@aws-sdk/client-cloudwatch-logs');
  const client: CloudWatchLogsClient = new CloudWatchLogsClient(region ? { region } : {});

  /** One look, page by page. */
  async function* look(startTime: number, abortSignal: AbortSignal) {
    let nextToken: string | undefined;
    do {
      const page: FilterLogEventsCommandOutput = await client.send(
        new FilterLogEventsCommand({ logGroupName, startTime, nextToken }),
        { abortSignal },
      );
      yield* page.events ?? [];
      nextToken = page.nextToken;
    } while (nextToken !== undefined);
  }

  return {
    async *events(from, follow, signal): AsyncGenerator<BusEvent> {
      const seen = new Map<string, number>();
      let startTime = from;
      while (!signal.aborted) {
        let newest = startTime;
        for await (const { eventId = '', timestamp = 0, message = '' } of look(startTime, signal)) {
          if (seen.has(eventId)) continue;
          seen.set(eventId, timestamp);
          newest = Math.max(newest, timestamp);
          const event = readEvent(message);
          if (event) yield event;
        }
        if (!follow) return;
        startTime = Math.max(startTime, newest - settlesMs);
        for (const [eventId, timestamp] of seen) if (timestamp < startTime) seen.delete(eventId);
        await pause(pollMs, undefined, { signal }).catch(() => {});
      }
    },
  };
}
