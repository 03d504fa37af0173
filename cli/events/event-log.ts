import { setTimeout as pause } from 'node:timers/promises';
import type { BusEvent, EventSource } from './bus-event.ts';
import { readEvent } from './bus-event.ts';

const pollMs = 2_000;
/** CloudWatch shows events up to so long after they were written, and not in their order. */
const settlesMs = 60_000;

interface Page {
  readonly events?: readonly { readonly eventId?: string; readonly timestamp?: number; readonly message?: string }[];
  readonly nextToken?: string;
}

/** The log group of a deployment in which a rule keeps every event. */
export async function eventLog(logGroupName: string, region: string | undefined): Promise<EventSource> {
  const { askAws, defaultRegion } = await import('../../client/aws.ts');
  const place = region ?? (await defaultRegion());
  const headers = {
    'Content-Type': 'application/x-amz-json-1.1',
    'X-Amz-Target': 'Logs_20140328.FilterLogEvents',
  };

  async function page(startTime: number, nextToken: string | undefined, signal: AbortSignal): Promise<Page> {
    const body = JSON.stringify({ logGroupName, startTime, nextToken });
    const asked = await askAws({ service: 'logs', region: place, method: 'POST', headers, body, signal });
    const read = JSON.parse(asked.text || '{}') as Page & { readonly message?: string };
    if (asked.status === 200) return read;
    throw new Error(`The log group ${logGroupName} cannot be read: ${read.message ?? `status ${asked.status}`}`);
  }

  /** One look, page by page. */
  async function* look(startTime: number, signal: AbortSignal) {
    let nextToken: string | undefined;
    do {
      const { events = [], nextToken: next } = await page(startTime, nextToken, signal);
      yield* events;
      nextToken = next;
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
