import { open } from 'node:fs/promises';
import { dirname } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { UsageError } from '../exit.ts';
import { type BusEvent, type EventSource, readEvent } from './bus-event.ts';

const pollMs = 200;

/** The file in which the embedded stack keeps every event. */
export function eventsFile(path: string): EventSource {
  return {
    async *events(from, follow, signal) {
      const file = await open(path).catch((cause: NodeJS.ErrnoException) => {
        if (cause.code !== 'ENOENT') throw cause;
        throw new UsageError(
          `No events in ${dirname(path)}: give the --data folder of a stack that npm start runs, or --stack NAME for one in AWS.`,
        );
      });
      try {
        yield* lines(file, from, follow, signal);
      } finally {
        await file.close();
      }
    },
  };
}

type File = Awaited<ReturnType<typeof open>>;

async function* lines(file: File, from: number, follow: boolean, signal: AbortSignal): AsyncGenerator<BusEvent> {
  const chunk = Buffer.alloc(64 * 1024);
  let rest = Buffer.alloc(0);
  while (!signal.aborted) {
    const { bytesRead } = await file.read(chunk, 0, chunk.length, null);
    if (bytesRead === 0) {
      if (!follow) return;
      await pause(pollMs, undefined, { signal }).catch(() => {});
      continue;
    }
    const bytes = Buffer.concat([rest, chunk.subarray(0, bytesRead)]);
    const end = bytes.lastIndexOf('\n') + 1;
    rest = bytes.subarray(end);
    for (const line of bytes.toString('utf8', 0, end).split('\n')) {
      const event = readEvent(line);
      if (event && Date.parse(event.time) >= from) yield event;
    }
  }
}
