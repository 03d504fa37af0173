import { createInterface } from 'node:readline';
import { maxAppendBytes } from '../../api/operations/log.ts';
import type { LogWriter } from '../../client/log/log-writer.ts';

export interface Lines {
  readonly count: number;
  readonly first?: number;
  readonly last?: number;
}

/** Lines that wait to be appended; then the input is not read on. */
const mostWaiting = 1_024;

/**
 * Appends each line of the input as an entry, in order. What has come in while a request was under way goes together with the next
 * one, so a slow input is appended at once and a fast one in batches.
 */
export async function appendLines(
  writer: Pick<LogWriter, 'append'>,
  input: NodeJS.ReadableStream,
  batch: number,
  onAppended: (count: number, last: number) => void,
): Promise<Lines> {
  const lines = createInterface({ input, crlfDelay: Number.POSITIVE_INFINITY });
  const waiting: Buffer[] = [];
  let ended = false;
  let wake = () => {};
  lines.on('line', (line) => {
    waiting.push(Buffer.from(line));
    if (waiting.length >= mostWaiting) lines.pause();
    wake();
  });
  lines.once('close', () => {
    ended = true;
    wake();
  });
  let count = 0;
  let first: number | undefined;
  let last: number | undefined;
  try {
    while (!ended || waiting.length > 0) {
      if (waiting.length === 0) {
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
        continue;
      }
      const entries = take(waiting, batch);
      const placed = await writer.append(entries);
      count += entries.length;
      first ??= placed.first;
      last = placed.last;
      onAppended(count, placed.last);
      if (!ended && waiting.length < mostWaiting) lines.resume();
    }
  } finally {
    // What an open input goes on to say is not ours after a failure, and would keep the process.
    lines.close();
  }
  return { count, ...(first !== undefined && { first }), ...(last !== undefined && { last }) };
}

function take(waiting: Buffer[], most: number): Buffer[] {
  let bytes = 0;
  let count = 0;
  for (const { length } of waiting) {
    bytes += length;
    if (count === most || (count > 0 && bytes > maxAppendBytes)) break;
    count += 1;
  }
  return waiting.splice(0, count);
}
