/**
 * The state that an application's worker adds to an archive, and how it is read back: in order, and only from files
 * that match their digest.
 */
import { type ArchiveEntry, type EntriesFile, type Manifest, manifestName } from '../api/archive.ts';
import { entryBatches, longestLine } from './lines.ts';
import type { ArchiveFiles } from './ports.ts';
import { DamagedError, parseEntry } from './verifier.ts';

type ApplicationEntry = Extract<ArchiveEntry, { type: 'application' }>;

/** Bytes are stored in pieces of this size, so that a line stays far below the longest that a reader accepts. */
const pieceBytes = 256 * 1024;
/** In bytes of JSON; what is around it in its line needs some, too. */
const largestValue = longestLine - 1024;

/**
 * The entries for one value of an application: JSON as one entry, a Uint8Array as one or more entries in base64.
 * Throws `RangeError` for JSON that is too long for an entry, `TypeError` for what is no JSON.
 */
export function toApplicationEntries(value: unknown): ApplicationEntry[] {
  if (value instanceof Uint8Array) {
    const bytes = Buffer.from(value.buffer, value.byteOffset, value.byteLength);
    return Array.from({ length: Math.ceil(bytes.length / pieceBytes) }, (_, at) => ({
      type: 'application',
      data: bytes.toString('base64', at * pieceBytes, (at + 1) * pieceBytes),
      encoding: 'base64',
    }));
  }
  const json = JSON.stringify(value);
  if (json === undefined) {
    throw new TypeError(`The snapshot yielded ${typeof value}, which is not JSON. Yield JSON values or Uint8Array.`);
  }
  const size = Buffer.byteLength(json);
  if (size > largestValue) {
    throw new RangeError(
      `The snapshot yielded a JSON value of ${size} bytes; an entry holds ${largestValue}. Yield smaller values, or Uint8Array.`,
    );
  }
  return [{ type: 'application', data: value }];
}

/**
 * The application's values in the order in which its worker's snapshot yielded them; bytes come back as Uint8Array, in
 * pieces. Each file is verified when its last value has been read: values count only once the iteration has ended
 * without an error. Throws `DamagedError`.
 */
export async function* readApplication(files: ArchiveFiles, manifest: Manifest): AsyncGenerator<unknown> {
  let read = 0;
  for (const file of filesOfApplication(manifest)) {
    for await (const value of valuesIn(files, file)) {
      read += 1;
      yield value;
    }
  }
  const { application } = manifest.counts;
  if (read !== application) {
    throw new DamagedError(`${manifestName} counts ${application} entries of the application, found ${read}`);
  }
}

/** A worker adds its entries last, so only the last files hold them. */
function filesOfApplication({ files, counts }: Manifest): readonly EntriesFile[] {
  let missing = counts.application;
  const first = files.findLastIndex(({ entries }) => {
    missing -= entries;
    return missing <= 0;
  });
  return counts.application === 0 ? [] : files.slice(Math.max(0, first));
}

async function* valuesIn(files: ArchiveFiles, file: EntriesFile): AsyncGenerator<unknown> {
  let line = 0;
  for await (const batch of entryBatches(files, file, DamagedError)) {
    for (const text of batch) {
      const entry = parseEntry(file.name, text, line);
      line += 1;
      if (entry.type === 'application') yield fromEntry(entry);
    }
  }
}

function fromEntry({ data, encoding }: ApplicationEntry): unknown {
  return encoding === 'base64' ? new Uint8Array(Buffer.from(String(data), 'base64')) : data;
}
