import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { type ConnectionOptions, given, outputOfStack } from '../connection.ts';
import type { Shell } from '../shell.ts';
import type { EventSource } from './bus-event.ts';

/** The events of the stack, or of npm start when its folder is here; undefined where none can be read. */
export async function eventsHere(
  options: ConnectionOptions & { readonly data: string },
  shell: Shell,
): Promise<EventSource | undefined> {
  const { stack, region } = given(options, shell.env);
  if (stack !== undefined) {
    const { eventLog } = await import('./event-log.ts');
    const log = await outputOfStack(stack, 'EventLogName', region);
    return eventLog(log.value, log.region);
  }
  // The file begins with the first event, which may be yet to come.
  if (!existsSync(join(options.data, 'stack.json'))) return undefined;
  const { eventsFile } = await import('./events-file.ts');
  return eventsFile(join(options.data, 'events.ndjson'));
}
