import { maxAppendBytes } from '../../api/operations/log.ts';
import { type LogWriter, mayBeInTheLog } from '../../client/log/log-writer.ts';
import { TenureError } from '../../client/tenure-error.ts';
import { type Delimiter, splitEntries } from './split-entries.ts';

export interface Lines {
  /** Entries appended by this call. */
  readonly count: number;
  readonly first?: number;
  readonly last?: number;
}

export interface AppendOptions {
  /** Entries in one request, at most. */
  readonly batch: number;
  readonly delimiter: Delimiter;
  /** Entries at the beginning of the input that were appended already. */
  readonly skip: number;
  onAppended(count: number, last: number): void;
}

/** Entries that wait to be appended; then the input is not read on. */
const mostWaiting = 1_024;

/**
 * Appends each entry of the input, in order. Entries that arrive while a request is under way share the next
 * one, so a slow input is appended at once and a fast one in batches. @throws TenureError with `appended` in its
 * members: how far it came, and how many entries after these may be in the log, too.
 */
export async function appendLines(
  writer: Pick<LogWriter, 'append'>,
  input: NodeJS.ReadableStream,
  { batch, delimiter, skip, onAppended }: AppendOptions,
): Promise<Lines> {
  const source = new WaitingEntries(input, delimiter);
  let appended: Lines = { count: 0 };
  let skipped = 0;
  let sent = 0;
  try {
    for (let entries = await source.take(batch); entries.length > 0; entries = await source.take(batch)) {
      const fresh = entries.slice(Math.max(0, skip - skipped));
      skipped += entries.length - fresh.length;
      if (fresh.length === 0) continue;
      sent = fresh.length;
      const placed = await writer.append(fresh);
      sent = 0;
      appended = { count: appended.count + fresh.length, first: appended.first ?? placed.first, last: placed.last };
      onAppended(appended.count, placed.last);
    }
  } catch (error) {
    throw howFar(error, appended, skip, mayBeInTheLog(error) ? sent : 0);
  } finally {
    source.close();
  }
  return appended;
}

/** Says which entries are in the log, so that the command can be repeated for the rest. */
function howFar(error: unknown, { count, last }: Lines, skip: number, unknown: number): unknown {
  if (!(error instanceof TenureError)) return error;
  const done = skip + count;
  const so = last === undefined ? '' : `, the last at position ${last}`;
  const next = unknown === 1 ? 'next entry' : `next ${unknown} entries`;
  const perhaps = ` The ${next} may be in the log, too: if "tenure log read" shows so, resume after ${done + unknown}.`;
  const message = `${error.message} Appended ${done === 1 ? '1 entry' : `${done} entries`} before that${so}; repeat the command with --resume-after ${done} for the rest.${unknown > 0 ? perhaps : ''}`;
  const { code, status, retryable, retryAfterMs, request, requestId, members } = error;
  const appended = { count: done, ...(last !== undefined && { last }), ...(unknown > 0 && { unknown }) };
  const facts = { code, status, retryable, retryAfterMs, request, requestId, members: { ...members, appended } };
  return new TenureError(message, facts, { cause: error });
}

/** Reads the input only as far as entries are taken from it. */
class WaitingEntries {
  readonly #input: NodeJS.ReadableStream;
  readonly #waiting: Uint8Array[] = [];
  readonly #split: ReturnType<typeof splitEntries>;
  #ended = false;
  #failure: unknown;
  #wake = () => {};

  constructor(input: NodeJS.ReadableStream, delimiter: Delimiter) {
    this.#input = input;
    this.#split = splitEntries(delimiter);
    input.on('data', this.#onData).once('end', this.#onEnd).once('close', this.#onEnd).once('error', this.#onError);
  }

  /** The next entries that fit into a request; none once the input has ended. */
  async take(most: number): Promise<Uint8Array[]> {
    while (this.#waiting.length === 0 && !this.#ended) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    if (this.#failure !== undefined) throw this.#failure;
    let bytes = 0;
    let count = 0;
    for (const { length } of this.#waiting) {
      bytes += length;
      if (count === most || (count > 0 && bytes > maxAppendBytes)) break;
      count += 1;
    }
    const taken = this.#waiting.splice(0, count);
    if (!this.#ended && this.#waiting.length < mostWaiting) this.#input.resume();
    return taken;
  }

  /** Whatever an open input still says is not ours, and would keep the process. */
  close(): void {
    const { off } = this.#input;
    off.call(this.#input, 'data', this.#onData);
    off.call(this.#input, 'end', this.#onEnd);
    off.call(this.#input, 'close', this.#onEnd);
    off.call(this.#input, 'error', this.#onError);
    this.#input.pause();
  }

  readonly #onData = (chunk: string | Uint8Array) => {
    this.#waiting.push(...this.#split.push(Buffer.from(chunk as Uint8Array)));
    if (this.#waiting.length >= mostWaiting) this.#input.pause();
    this.#wake();
  };

  readonly #onEnd = () => {
    if (!this.#ended) this.#waiting.push(...this.#split.end());
    this.#ended = true;
    this.#wake();
  };

  readonly #onError = (error: unknown) => {
    this.#failure = error;
    this.#onEnd();
  };
}
