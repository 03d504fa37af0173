/**
 * The built-in worker: writes an attempt's archive in slices, each in whatever process comes next. The state after each
 * file is an object of its own, `progress-00007.json`, that is written once: of two processes at the same file one
 * loses and stops.
 */

import { pagedSource } from '../../../archive/paged-source.ts';
import type { ArchivePage, ArchiveTarget } from '../../../archive/ports.ts';
import {
  type ArchiveIdentity,
  nothingWritten,
  type WriterState,
  type Written,
  writeArchive,
} from '../../../archive/writer.ts';
import type { ArchiveBucket, Place } from '../bucket/archive-bucket.ts';
import type { Slice } from '../ports.ts';

export interface LocalWork {
  readonly bucket: ArchiveBucket;
  /** Where the attempt's files go. */
  readonly prefix: Place;
  readonly identity: ArchiveIdentity;
  readonly page: (cursor: string | undefined) => Promise<ArchivePage>;
  /** Takes what the entries refer to, while there is time. */
  readonly target: (goOn: () => boolean) => ArchiveTarget;
  readonly now: () => number;
  /** Names this process. */
  readonly suffix: string;
}

/** Thrown by a target whose time is over; what it has copied so far is not copied again. */
export class OutOfTimeError extends Error {
  override readonly name = 'OutOfTimeError';
}

/**
 * Works until the archive is complete, or `undefined` once the budget is used, the verdict is another, or another
 * process was faster.
 */
export async function workSlice(work: LocalWork, { budgetMs, report }: Slice): Promise<Written | undefined> {
  const { bucket, prefix, now } = work;
  const until = now() + budgetMs;
  const from = await latestState(bucket, prefix);
  const reporting = steadyReports(report, from);
  try {
    // The half of the budget that is left to copies lets a file that refers to payloads be closed before the next
    // slice.
    const collect = () => reporting.goOn && now() < until - budgetMs / 2;
    const copy = () => reporting.goOn && now() < until;
    return await writeArchive(pagedSource(work.page), work.target(copy), work.identity, {
      from,
      suffix: work.suffix,
      now,
      goOn: collect,
      async onFile(state) {
        reporting.state = state;
        const place = stateAt(prefix, state.files.length);
        const first = await bucket.putNew(place, Buffer.from(JSON.stringify(state)));
        return first && collect();
      },
    });
  } catch (error) {
    if (error instanceof OutOfTimeError) return undefined;
    throw error;
  } finally {
    await reporting.stop();
  }
}

const stateAt = ({ bucket, key }: Place, files: number): Place => ({
  bucket,
  key: `${key}progress-${String(files).padStart(5, '0')}.json`,
});

/**
 * The state after the last file that is complete. They are written in order, so that the last one is found by halving.
 */
async function latestState(bucket: ArchiveBucket, prefix: Place): Promise<WriterState> {
  let above = 1;
  while (await bucket.head(stateAt(prefix, above))) above *= 2;
  let there = Math.floor(above / 2);
  while (there + 1 < above) {
    const middle = Math.floor((there + above) / 2);
    if (await bucket.head(stateAt(prefix, middle))) there = middle;
    else above = middle;
  }
  if (there === 0) return nothingWritten;
  const stream = await bucket.open(stateAt(prefix, there));
  if (!stream) throw new Error(`The state after file ${there} of ${prefix.key} has gone`);
  const chunks: Uint8Array[] = [];
  for await (const chunk of stream) chunks.push(chunk);
  return JSON.parse(Buffer.concat(chunks).toString('utf8')) as WriterState;
}

/** Often enough for any abandon timeout of at least 10 s: a file of large payloads takes longer than that. */
const reportEveryMs = 3_000;

/** Reports now and every few seconds, so that a long copy looks alive. */
function steadyReports(report: Slice['report'], state: WriterState) {
  const reporting = { state, goOn: true, stop: async () => {} };
  let failure: unknown;
  const beat = async () => {
    try {
      const { entries, bytes } = reporting.state.counts;
      const verdict = await report({ state: 'RUNNING', entryCount: entries, bytes });
      if (verdict !== 'continue') reporting.goOn = false;
    } catch (error) {
      failure = error;
      reporting.goOn = false;
    }
  };
  let last = beat();
  const timer = setInterval(() => {
    last = last.then(beat);
  }, reportEveryMs);
  timer.unref();
  reporting.stop = async () => {
    clearInterval(timer);
    await last;
    if (failure !== undefined) throw failure;
  };
  return reporting;
}
