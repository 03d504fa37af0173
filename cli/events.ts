import { join } from 'node:path';
import type { Command } from 'commander';
import { type ConnectionOptions, given, locate, outputOfStack, withConnection } from './connection.ts';
import { readDuration } from './duration.ts';
import type { BusEvent, EventSource } from './events/bus-event.ts';
import { UsageError } from './exit.ts';
import { plain, print } from './output.ts';
import type { Shell } from './shell.ts';

interface TailOptions extends ConnectionOptions {
  group?: string;
  since?: number;
  follow: boolean;
  data: string;
}

/** Of how many events duplicates are known again. */
const remembered = 10_000;

export function eventsCommands(program: Command, shell: Shell): void {
  const events = program.command('events').description('see what happens in all groups, as the event bus tells it');
  withConnection(events.command('tail').description('print events as they come, until Ctrl-C'))
    .option('--group <name>', 'only those of this group')
    .option(
      '--since <duration>',
      'begin so long ago (default: now; with --no-follow everything)',
      readDuration('--since'),
    )
    .option('--no-follow', 'end with the last event there is')
    .option('--data <folder>', 'that of npm start, where no --stack is given', '.tenure')
    .action((options: TailOptions) => tail(options, shell));
}

async function tail(options: TailOptions, shell: Shell): Promise<void> {
  const { group, since, follow } = options;
  const source = await sourceOf(options, shell);
  const ending = new AbortController();
  const end = () => ending.abort();
  process.once('SIGINT', end).once('SIGTERM', end);
  // Events know the whole second in which they happened.
  const from = since === undefined ? (follow ? Math.floor(Date.now() / 1_000) * 1_000 : 0) : Date.now() - since;
  const seen = new Set<string>();
  try {
    for await (const event of source.events(from, follow, ending.signal)) {
      const { id, group: itsGroup } = event.detail;
      if (seen.has(id) || (group !== undefined && itsGroup !== group)) continue;
      seen.add(id);
      if (seen.size > remembered) seen.delete(seen.values().next().value ?? '');
      print(shell, options, { type: event['detail-type'], ...event.detail }, () => lineOf(event));
    }
  } catch (error) {
    if (!ending.signal.aborted) throw error;
  } finally {
    process.off('SIGINT', end).off('SIGTERM', end);
  }
}

async function sourceOf(options: TailOptions, shell: Shell): Promise<EventSource> {
  const { data } = options;
  const { stack, region: stackRegion } = given(options, shell.env);
  if (stack) {
    const { eventLog } = await import('./events/event-log.ts');
    const { value, region } = await outputOfStack(stack, 'EventLogName', stackRegion);
    return eventLog(value, region);
  }
  const { url, region } = await locate(options, shell);
  if (region) {
    throw new UsageError(
      `Events are not read from the API at ${url}: name the stack whose event log has them, with --stack.`,
    );
  }
  const { eventsFile } = await import('./events/events-file.ts');
  return eventsFile(join(data, 'events.ndjson'));
}

/** Everything a duplicate repeats, and the sequence, is for programs: --json has it. */
function lineOf(event: BusEvent): string {
  const { version, id, sequence, group, at, ...members } = event.detail;
  const details = Object.entries(members).map(([name, value]) => `${name}=${String(value)}`);
  return plain([at, group, event['detail-type'], ...details].join('  '));
}
