/** The events of one group as server-sent events, for as long as the page listens. */
import type { ServerResponse } from 'node:http';
import type { EventSource } from '../events/bus-event.ts';

/** How far back a page that has just been opened sees. */
const pastMs = 10 * 60_000;
/** Of so many events duplicates are known again: the bus delivers at least once. */
const remembered = 2_000;

export async function streamEvents(source: EventSource, group: string, response: ServerResponse): Promise<void> {
  const ending = new AbortController();
  response.once('close', () => ending.abort());
  response.flushHeaders();
  const seen = new Set<string>();
  for await (const { detail, ...event } of source.events(Date.now() - pastMs, true, ending.signal)) {
    if (ending.signal.aborted) break;
    if (detail.group !== group || seen.has(detail.id)) continue;
    seen.add(detail.id);
    if (seen.size > remembered) seen.delete(seen.values().next().value ?? '');
    response.write(`data: ${JSON.stringify({ type: event['detail-type'], ...detail })}\n\n`);
  }
  response.end();
}
