/**
 * Writes an archive in bounded memory: entries are compressed as they come into files of a few MiB, one of which is put
 * while the next is collected. After each file the state is handed out; a writer that receives it later continues after
 * that file.
 */
import { once } from 'node:events';
import { createGzip } from 'node:zlib';
import {
  type ArchiveEntry,
  type Counts,
  type EntriesFile,
  formatVersion,
  manifestName,
  maxManifestBytes,
  type PayloadFile,
  type UnreadablePayload,
} from '../api/archive.ts';
import { addCounts, chainStart, countEntries, extendChain, noCounts, payloadsOf, seal, sha256Of } from './format.ts';
import { longestLine } from './lines.ts';
import { mapConcurrent } from './map-concurrent.ts';
import type { ArchiveSource, ArchiveTarget } from './ports.ts';

/** JSON, so that it can be kept between two invocations. */
export interface WriterState {
  readonly after?: unknown;
  readonly files: readonly EntriesFile[];
  readonly payloads: readonly PayloadFile[];
  readonly unreadable: readonly UnreadablePayload[];
  readonly counts: Counts;
  readonly chain: string;
}

export const nothingWritten: WriterState = {
  files: [],
  payloads: [],
  unreadable: [],
  counts: noCounts,
  chain: chainStart,
};

export interface ArchiveIdentity {
  readonly group: string;
  readonly backupId: string;
  readonly attempt: number;
  readonly cut: Readonly<Record<string, number>>;
  /** Of Tenure. */
  readonly version: string;
}

export interface Written {
  readonly entryCount: number;
  readonly bytes: number;
  readonly manifestSha256: string;
}

export interface WriterOptions {
  readonly from?: WriterState;
  /** Names of files carry it, so that two processes that write the same attempt never overwrite each other's. */
  readonly suffix?: string;
  /** Whether there is time for more; if not, the file that is open is closed with what it has. */
  readonly goOn?: () => boolean;
  /** Called after each file; false ends the writing there. */
  readonly onFile?: (state: WriterState) => Promise<boolean>;
  /** The wall clock, for the manifest. */
  readonly now: () => number;
  readonly parallelCopies?: number;
  /** A file is closed once its lines have so many bytes, before they are compressed. */
  readonly fileBytes?: number;
}

/**
 * A file is closed behind the batch with which it refers to so many payloads, too. Until then nothing of it is kept
 * between two slices of work: the next one looks at all of them again. It does that, and copies the rest, within
 * seconds.
 */
export const payloadsPerFile = 500;

/**
 * Writes all entries of the source, the payloads that they refer to, and last of all the manifest. Undefined when
 * `onFile` ended it before. Errors are thrown: the files in the target are then no backup, since no manifest names
 * them.
 */
export async function writeArchive(
  source: ArchiveSource,
  target: ArchiveTarget,
  identity: ArchiveIdentity,
  options: WriterOptions,
): Promise<Written | undefined> {
  const { goOn = () => true, onFile = async () => true, fileBytes = 8 * 1024 ** 2 } = options;
  let state = options.from ?? nothingWritten;
  let open = newFile(state);
  let underWay: Promise<boolean> = Promise.resolve(true);
  const close = async (full: OpenFile): Promise<boolean> => {
    state = await putFile(target, full, state, options);
    return onFile(state);
  };
  for await (const { entries, after } of source.batches(state.after)) {
    await open.add(entries, after);
    const full = open.bytes >= fileBytes || open.payloads >= payloadsPerFile;
    if (!full && (goOn() || open.bytes === 0)) continue;
    if (!(await underWay)) return undefined;
    underWay = close(open);
    // Awaited before the next file is closed; until then its failure is nobody's yet.
    underWay.catch(() => undefined);
    open = newFile({ chain: open.chain });
    if (!goOn() && !(await underWay)) return undefined;
  }
  if (!(await underWay)) return undefined;
  if (open.bytes > 0 && !(await close(open))) return undefined;
  const { files, payloads, unreadable, counts, chain } = state;
  const { version, ...named } = identity;
  const text = seal({
    versions: { format: formatVersion, tenure: version },
    ...named,
    cut: { ...named.cut },
    completedAt: new Date(options.now()).toISOString(),
    counts,
    files: [...files],
    payloads: [...payloads],
    unreadable: [...unreadable],
    chain,
  });
  if (text.length > maxManifestBytes) {
    throw new Error(
      `The backup refers to ${payloads.length} payloads: its manifest has ${text.length} bytes, at most ${maxManifestBytes} can be read`,
    );
  }
  const manifestSha256 = sha256Of(text);
  await target.put(manifestName, Buffer.from(text), manifestSha256);
  return { entryCount: counts.entries, bytes: counts.bytes, manifestSha256 };
}

interface OpenFile {
  /** All but the entries of logs, which are the many. */
  readonly others: ArchiveEntry[];
  counts: Counts;
  /** How many it refers to. */
  payloads: number;
  /** Before they are compressed. */
  bytes: number;
  chain: string;
  after: unknown;
  add(entries: readonly ArchiveEntry[], after: unknown): Promise<void>;
  /** Ends it; returns what it holds, compressed. */
  finish(): Promise<Buffer>;
}

function newFile({ chain }: { chain: string }): OpenFile {
  const zip = createGzip({ level: 4 });
  const chunks: Buffer[] = [];
  zip.on('data', (chunk: Buffer) => chunks.push(chunk));
  return {
    others: [],
    counts: noCounts,
    payloads: 0,
    bytes: 0,
    chain,
    after: undefined,
    async add(entries, after) {
      let text = '';
      for (const entry of entries) {
        const line = JSON.stringify(entry);
        if (line.length > longestLine) throw new Error(tooLong(entry, line.length));
        text += `${line}\n`;
        if (entry.type === 'log-entry') this.chain = extendChain(this.chain, line);
        else this.others.push(entry);
      }
      this.counts = countEntries(this.counts, entries);
      this.payloads += payloadsOf(entries).length;
      this.bytes += Buffer.byteLength(text);
      this.after = after;
      if (!zip.write(text)) await once(zip, 'drain');
    },
    async finish() {
      const ended = once(zip, 'end');
      zip.end();
      await ended;
      return Buffer.concat(chunks);
    },
  };
}

const tooLong = ({ type }: ArchiveEntry, length: number) =>
  `An entry of type "${type}" has ${length} characters as JSON, at most ${longestLine} fit into a line; split it`;

async function putFile(
  target: ArchiveTarget,
  file: OpenFile,
  state: WriterState,
  { suffix, parallelCopies = 16 }: WriterOptions,
): Promise<WriterState> {
  const number = String(state.files.length).padStart(5, '0');
  const name = `entries-${number}${suffix === undefined ? '' : `-${suffix}`}.ndjson.gz`;
  const bytes = await file.finish();
  const sha256 = sha256Of(bytes);
  const [copied] = await Promise.all([
    mapConcurrent(payloadsOf(file.others), parallelCopies, (payload) => target.copy(payload)),
    target.put(name, bytes, sha256),
  ]);
  const payloads = copied.flatMap((one) => ('file' in one ? [one.file] : []));
  const unreadable = copied.flatMap((one) => ('unreadable' in one ? [one.unreadable] : []));
  const payloadBytes = payloads.reduce((sum, { bytes: size }) => sum + size, 0);
  return {
    after: file.after,
    files: [...state.files, { name, bytes: bytes.length, sha256, entries: file.counts.entries, unpacked: file.bytes }],
    payloads: [...state.payloads, ...payloads],
    unreadable: [...state.unreadable, ...unreadable],
    counts: addCounts(addCounts(state.counts, file.counts), {
      payloads: payloads.length,
      bytes: bytes.length + payloadBytes,
    }),
    chain: file.chain,
  };
}
