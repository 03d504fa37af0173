/**
 * The content of a backup, as files below one prefix or in one folder:
 *
 *   entries-00000.ndjson.gz …   one JSON object per line: the term, each job followed by its checkpoints, each log followed by its entries
 *   payloads/<job>/<payload>    graphs, checkpoints and savepoints, byte for byte
 *   manifest.json               written last: no manifest, no backup
 *
 * Free of Lambda and of any store: the built-in worker, workers of the client library and `tenure backup verify` share
 * it.
 */
import { createHash, hash } from 'node:crypto';
import {
  type ArchiveEntry,
  archiveEntry,
  type Counts,
  formatVersion,
  type Manifest,
  type ManifestBody,
  manifest,
  manifestBody,
  manifestName,
  payloadFolder,
} from '../api/archive.ts';

export const noCounts: Counts = {
  entries: 0,
  jobs: 0,
  checkpoints: 0,
  damagedJobs: 0,
  logs: 0,
  logEntries: 0,
  application: 0,
  payloads: 0,
  bytes: 0,
};

export const sha256Of = (bytes: Uint8Array | string): string => createHash('sha256').update(bytes).digest('hex');

/** The chain before the first log entry. */
export const chainStart = '0'.repeat(64);
export const extendChain = (chain: string, line: string | Uint8Array): string =>
  hash('sha256', typeof line === 'string' ? chain + line : Buffer.concat([Buffer.from(chain), line]), 'hex');

/**
 * The line of an entry, the same from every writer: the schema decides what JSON leaves open. Entries of a log are the
 * many, and have nothing that the schema would order but their members.
 */
export function canonicalLine(entry: ArchiveEntry): string {
  if (entry.type !== 'log-entry') return JSON.stringify(archiveEntry.parse(entry));
  const { type, log, position, data } = entry;
  return JSON.stringify({ type, log, position, data });
}

/**
 * The manifest's text. Its seal is the SHA-256 of everything else in it, so that no byte of it can change unnoticed.
 */
export function seal(body: ManifestBody): string {
  const ordered = manifestBody.parse(body);
  return `${JSON.stringify({ ...ordered, seal: sha256Of(JSON.stringify(ordered)) })}\n`;
}

/** Reads a manifest's text; what is wrong with it is answered as `damage`. */
export function readManifest(text: string): { manifest: Manifest } | { damage: string } {
  const parsed = parseJson(text);
  if (parsed === undefined) return { damage: `${manifestName} is not JSON` };
  const { format } = (parsed as { versions?: { format?: unknown } } | null)?.versions ?? {};
  if (typeof format === 'number' && format !== formatVersion) {
    return { damage: `${manifestName} has format ${format}, this version of Tenure reads ${formatVersion}` };
  }
  const read = manifest.safeParse(parsed);
  if (!read.success) {
    const [issue] = read.error.issues;
    return { damage: `${manifestName} is malformed at ${issue?.path.join('.') || 'its top'}: ${issue?.message}` };
  }
  const { seal: _seal, ...body } = read.data;
  if (seal(body) !== text) return { damage: `${manifestName} is not what its seal says` };
  const wrong = contradictionIn(body);
  if (wrong !== undefined) return { damage: `${manifestName} ${wrong}` };
  return { manifest: read.data };
}

/** The manifest bounds reading: it may name nothing twice, and promise no more than it names. */
function contradictionIn({ files, payloads, unreadable, counts, cut }: ManifestBody): string | undefined {
  const names = [...files, ...payloads, ...unreadable].map(({ name }) => name);
  const twice = names.length === new Set(names).size ? undefined : 'names a file twice';
  const entries = files.reduce((sum, file) => sum + file.entries, 0);
  const logs = Object.keys(cut).length;
  if (twice !== undefined) return twice;
  if (entries !== counts.entries) return `counts ${counts.entries} entries, its files have ${entries}`;
  return logs === counts.logs ? undefined : `counts ${counts.logs} logs, its cut names ${logs}`;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

export const payloadName = (jobId: string, id: string): string => `${payloadFolder}${jobId}/${id}`;

export interface ReferredPayload {
  readonly jobId: string;
  readonly payloadId: string;
  readonly bytes: number;
  readonly sha256: string;
  readonly composite?: string | undefined;
}

/**
 * The payloads of entries that belong in the backup. Those that a finished job's clean-up is about to delete do not.
 */
export function payloadsOf(entries: readonly ArchiveEntry[]): ReferredPayload[] {
  const finished = new Set(entries.flatMap((one) => (one.type === 'job' && one.state !== 'ACTIVE' ? [one.jobId] : [])));
  return entries.flatMap((one): ReferredPayload[] => {
    if (one.type === 'job') return one.graph && !finished.has(one.jobId) ? [referred(one.jobId, one.graph)] : [];
    if (one.type !== 'checkpoint') return [];
    return one.kind === 'savepoint' || !finished.has(one.jobId) ? [referred(one.jobId, one)] : [];
  });
}

function referred(jobId: string, { payloadId: id, bytes, sha256: digest, composite }: Omit<ReferredPayload, 'jobId'>) {
  return { jobId, payloadId: id, bytes, sha256: digest, ...(composite === undefined ? {} : { composite }) };
}

const counter = {
  job: 'jobs',
  checkpoint: 'checkpoints',
  'damaged-job': 'damagedJobs',
  log: 'logs',
  'log-entry': 'logEntries',
  application: 'application',
} as const;

/** Adds entries to the counts. */
export function countEntries(counts: Counts, entries: readonly ArchiveEntry[]): Counts {
  const sum = { ...counts };
  for (const { type } of entries) {
    sum.entries += 1;
    if (type !== 'leadership') sum[counter[type]] += 1;
  }
  return sum;
}

export function addCounts(counts: Counts, more: Partial<Counts>): Counts {
  const sum = { ...counts };
  for (const [name, value] of Object.entries(more) as [keyof Counts, number][]) sum[name] += value;
  return sum;
}
