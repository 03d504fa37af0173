/**
 * Verifies an archive without anything but its files: every digest, the seal, the chain over the log entries, the
 * counts, and that each entry is of a known type and stands where it may. Works file by file, so that it can be done in
 * several goes.
 */
import { createHash } from 'node:crypto';
import {
  type ArchiveEntry,
  archiveEntry,
  type Counts,
  type EntriesFile,
  type JobEntry,
  type Manifest,
  manifestName,
  maxManifestBytes,
  type PayloadFile,
} from '../api/archive.ts';
import { versionOf } from '../api/ballot.ts';
import {
  chainStart,
  countEntries,
  extendChain,
  noCounts,
  payloadName,
  payloadsOf,
  readManifest,
  sha256Of,
} from './format.ts';
import { entryBatches } from './lines.ts';
import { finish, firstPlace, follow, type Place } from './order.ts';
import type { ArchiveFiles } from './ports.ts';

/** Says what is wrong with an archive; nothing of it may be used. */
export class DamagedError extends Error {
  override readonly name = 'DamagedError';
}

/** JSON: where a verification continues. */
export interface VerifierState {
  readonly file: number;
  readonly payload: number;
  readonly chain: string;
  /** Over all lines but those of the application: what the service must have served. */
  readonly served: string;
  readonly counts: Counts;
  readonly place: Place;
  readonly cut: Readonly<Record<string, number>>;
  /** The highest fencing version that any entry knows. */
  readonly highestVersion: number;
}

export const verificationStart: VerifierState = {
  file: 0,
  payload: 0,
  chain: chainStart,
  served: chainStart,
  counts: noCounts,
  place: firstPlace,
  cut: {},
  highestVersion: 0,
};

/** Throws `DamagedError` when there is no manifest, or it is not what it says of itself. */
export async function openManifest(files: ArchiveFiles): Promise<{ manifest: Manifest; sha256: string }> {
  const stream = await files.open(manifestName);
  if (!stream) throw new DamagedError(`there is no ${manifestName}: this is no finished backup`);
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of stream) {
    size += chunk.length;
    if (size > maxManifestBytes) throw new DamagedError(`${manifestName} has more than ${maxManifestBytes} bytes`);
    chunks.push(chunk);
  }
  const bytes = Buffer.concat(chunks);
  const read = readManifest(bytes.toString('utf8'));
  if ('damage' in read) throw new DamagedError(read.damage);
  return { manifest: read.manifest, sha256: sha256Of(bytes) };
}

/** Payloads looked at in one go. */
export const payloadsAtOnce = 16;

/** Returns what is wrong with a payload, if anything. */
export type CheckPayload = (payload: PayloadFile) => Promise<string | undefined>;

/** The next file or payload; `done` once nothing is left. Throws `DamagedError`, naming the file. */
export async function verifyNext(
  files: ArchiveFiles,
  manifest: Manifest,
  state: VerifierState,
  checkPayload: CheckPayload = (payload) => payloadDamage(files, payload),
): Promise<{ state: VerifierState; done: boolean }> {
  const file = manifest.files[state.file];
  if (file) return { state: await verifyEntries(files, manifest, file, state), done: false };
  const payloads = manifest.payloads.slice(state.payload, state.payload + payloadsAtOnce);
  if (payloads.length === 0) {
    verifyTotals(manifest, state);
    return { state, done: true };
  }
  for (const [at, damage] of (await Promise.all(payloads.map(checkPayload))).entries()) {
    if (damage !== undefined) throw new DamagedError(`${payloads[at]?.name}: ${damage}`);
  }
  return { state: { ...state, payload: state.payload + payloads.length }, done: false };
}

/** Verifies all of it in one go. */
export async function verifyArchive(
  files: ArchiveFiles,
  onProgress: (state: VerifierState, manifest: Manifest) => void = () => {},
): Promise<Manifest> {
  const { manifest } = await openManifest(files);
  let step = { state: verificationStart, done: false };
  while (!step.done) {
    step = await verifyNext(files, manifest, step.state);
    onProgress(step.state, manifest);
  }
  return manifest;
}

interface Named {
  readonly payloads: ReadonlyMap<string, PayloadFile>;
  readonly unreadable: ReadonlySet<string>;
}

const named = new WeakMap<Manifest, Named>();

/** The names of a manifest, in order, for all files of the archive. */
export function namedIn(manifest: Manifest): Named {
  const there = named.get(manifest);
  if (there) return there;
  const made = {
    payloads: new Map(manifest.payloads.map((payload) => [payload.name, payload])),
    unreadable: new Set(manifest.unreadable.map(({ name }) => name)),
  };
  named.set(manifest, made);
  return made;
}

async function verifyEntries(
  files: ArchiveFiles,
  manifest: Manifest,
  file: EntriesFile,
  state: VerifierState,
): Promise<VerifierState> {
  const { payloads, unreadable } = namedIn(manifest);
  let { chain, served, counts, place, highestVersion } = state;
  const cut = { ...state.cut };
  let lines = 0;
  let owner: JobEntry | undefined;
  for await (const batch of entryBatches(files, file, DamagedError)) {
    const entries = batch.map((line) => {
      const entry = parseEntry(file.name, line, lines);
      lines += 1;
      if (lines > file.entries)
        throw new DamagedError(`${file.name} has more than the ${file.entries} entries it should have`);
      if (lines === 1 && entry.type === 'checkpoint')
        throw new DamagedError(`${file.name} begins in the middle of a job`);
      highestVersion = Math.max(highestVersion, versionIn(entry));
      place = followOrThrow(file.name, lines, place, entry);
      if (entry.type === 'log-entry') chain = extendChain(chain, line);
      if (entry.type !== 'application') served = extendChain(served, JSON.stringify(entry));
      if (entry.type === 'log') cut[entry.log] = entry.end;
      return entry;
    });
    for (const entry of entries) {
      if (entry.type === 'job') owner = entry;
      const needed = payloadsOf(entry.type === 'checkpoint' && owner ? [owner, entry] : [entry]);
      for (const { jobId, payloadId, bytes, sha256 } of needed) {
        const name = payloadName(jobId, payloadId);
        const kept = payloads.get(name);
        if (!kept && !unreadable.has(name))
          throw new DamagedError(`${file.name} refers to ${name}, which is not in the backup`);
        if (kept && (kept.bytes !== bytes || kept.sha256 !== sha256)) {
          throw new DamagedError(`${file.name} and ${manifestName} disagree about ${name}`);
        }
      }
    }
    counts = countEntries(counts, entries);
  }
  if (lines !== file.entries) throw new DamagedError(`${file.name} has ${lines} entries instead of ${file.entries}`);
  return { ...state, file: state.file + 1, chain, served, counts, place, cut, highestVersion };
}

function versionIn(entry: ArchiveEntry): number {
  if (entry.type === 'leadership') return Math.max(entry.fencingVersion, entry.highestVersion);
  if (entry.type === 'job') return entry.fence;
  return entry.type === 'log' ? versionOf(entry.promised) : 0;
}

export function parseEntry(file: string, line: Buffer, at: number): ArchiveEntry {
  const parsed = parsedLine(file, line, at);
  const read = archiveEntry.safeParse(parsed);
  if (read.success) return read.data;
  const { type } = (parsed ?? {}) as { type?: unknown };
  const [issue] = read.error.issues;
  const path = issue?.path.join('.');
  const wrong = path === 'type' ? 'is of an unknown type' : `is malformed at ${path || 'its top'}: ${issue?.message}`;
  throw new DamagedError(`${file}: line ${at + 1} (type "${String(type)}") ${wrong}`);
}

/** So deep may what an entry holds be nested: what goes through it calls itself. */
const deepest = 128;

function parsedLine(file: string, line: Buffer, at: number): unknown {
  let parsed: unknown;
  try {
    parsed = JSON.parse(line.toString('utf8'));
  } catch {
    throw new DamagedError(`${file}: line ${at + 1} is not JSON`);
  }
  if (isDeeperThan(parsed, deepest))
    throw new DamagedError(`${file}: line ${at + 1} is nested more than ${deepest} deep`);
  return parsed;
}

function isDeeperThan(value: unknown, levels: number): boolean {
  if (typeof value !== 'object' || value === null) return false;
  return levels === 0 || Object.values(value).some((inner) => isDeeperThan(inner, levels - 1));
}

function followOrThrow(file: string, line: number, place: Place, entry: ArchiveEntry): Place {
  const next = follow(place, entry);
  if (next.kind === 'misplaced') throw new DamagedError(`${file}: line ${line} ${next.why}`);
  return next.place;
}

function verifyTotals(manifest: Manifest, { chain, counts, cut, place }: VerifierState): void {
  const ended = finish(place);
  if (ended.kind === 'misplaced') throw new DamagedError(`the end ${ended.why}`);
  if (chain !== manifest.chain) throw new DamagedError(`the log entries do not make the chain in ${manifestName}`);
  const sum = (files: readonly { bytes: number }[]) => files.reduce((total, { bytes }) => total + bytes, 0);
  const found: Counts = {
    ...counts,
    payloads: manifest.payloads.length,
    bytes: sum(manifest.files) + sum(manifest.payloads),
  };
  for (const [what, number] of Object.entries(manifest.counts)) {
    const there = found[what as keyof Counts];
    if (there !== number) throw new DamagedError(`${manifestName} counts ${number} ${what}, there are ${there}`);
  }
  const same = (one: object) => JSON.stringify(Object.entries(one).sort(([a], [b]) => (a < b ? -1 : 1)));
  if (same(cut) !== same(manifest.cut)) throw new DamagedError(`the logs do not end at the cut in ${manifestName}`);
}

/** Reads a payload and compares its size and digest. */
export async function payloadDamage(
  files: ArchiveFiles,
  { name, bytes, sha256 }: PayloadFile,
): Promise<string | undefined> {
  const stream = await files.open(name);
  if (!stream) return 'is missing';
  const digest = createHash('sha256');
  let size = 0;
  for await (const chunk of stream) {
    digest.update(chunk);
    size += chunk.length;
  }
  if (size !== bytes) return `has ${size} bytes instead of ${bytes}`;
  const found = digest.digest('hex');
  return found === sha256 ? undefined : `has the SHA-256 ${found} instead of ${sha256}`;
}
