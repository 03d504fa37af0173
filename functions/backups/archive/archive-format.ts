/**
 * What a backup holds, as files below one prefix or in one folder:
 *
 *   entries-00000.ndjson.gz …   one JSON object per line: the term, each job followed by its checkpoints, each log followed by its entries
 *   payloads/<job>/<payload>    graphs, checkpoints and savepoints, byte for byte
 *   manifest.json               written last: no manifest, no backup
 *
 * Free of Lambda and of any store: the built-in worker, workers of the client library and `tenure backup verify` share it.
 */
import { createHash, hash } from 'node:crypto';
import * as z from 'zod/mini';

/** Raised when an older reader would misunderstand what is written now. */
export const formatVersion = 1;
export const manifestName = 'manifest.json';
export const payloadFolder = 'payloads/';

const name = z.string().check(z.regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$/));
const count = z.int().check(z.minimum(0));
const sha256 = z.string().check(z.regex(/^[0-9a-f]{64}$/));
const payloadId = z.uuid();
const payload = { payloadId, bytes: count, sha256, composite: z.optional(z.string()), committedAt: z.number() };
const json = z.unknown();

/** Who led the group, and the highest fencing version that any of its records knew. */
const leadershipEntry = z.strictObject({
  type: z.literal('leadership'),
  fencingVersion: count,
  highestVersion: count,
  contenderId: z.optional(z.string()),
  confirmedAt: z.optional(z.number()),
});

/** One job, as at one instant after the cut. Its checkpoints and savepoints follow. */
const jobEntry = z.strictObject({
  type: z.literal('job'),
  jobId: name,
  state: z.enum(['ACTIVE', 'FINISHED', 'CLEANED']),
  fence: z.int(),
  graph: z.optional(z.strictObject(payload)),
  metadata: z.optional(json),
  retain: z.int().check(z.minimum(1), z.maximum(32)),
  commits: z.array(z.nullable(z.strictObject({ payloadId, checkpointId: count }))),
  nextCheckpointId: z.int().check(z.minimum(1)),
  submittedAt: z.number(),
  requestId: z.string(),
  requestBefore: z.optional(z.string()),
  result: z.optional(
    z.strictObject({
      outcome: z.enum(['succeeded', 'failed', 'cancelled']),
      detail: z.optional(z.string()),
      finishedAt: z.number(),
      requestId: z.string(),
    }),
  ),
});

const checkpointEntry = z.strictObject({
  type: z.literal('checkpoint'),
  jobId: name,
  kind: z.enum(['checkpoint', 'savepoint']),
  checkpointId: z.int().check(z.minimum(1)),
  ...payload,
  metadata: z.optional(json),
});

/** A record that another hand has made unreadable: nothing of it can be restored. */
const damagedJobEntry = z.strictObject({ type: z.literal('damaged-job'), jobId: name, reason: z.string() });

/** One log: its positions at the cut, and the highest ballot that any of its replicas knew. Its entries follow. */
const logHead = z.strictObject({
  type: z.literal('log'),
  log: name,
  begin: count,
  end: count,
  promised: count,
});

const logEntry = z.strictObject({ type: z.literal('log-entry'), log: name, position: count, data: z.string() });

/** What an application's worker adds of its own; Tenure keeps it and gives it back, and restores nothing of it. */
const applicationEntry = z.strictObject({ type: z.literal('application'), data: json });

export const archiveEntry = z.discriminatedUnion('type', [
  leadershipEntry,
  jobEntry,
  checkpointEntry,
  damagedJobEntry,
  logHead,
  logEntry,
  applicationEntry,
]);

export type ArchiveEntry = z.output<typeof archiveEntry>;
export type JobEntry = z.output<typeof jobEntry>;
export type CheckpointEntry = z.output<typeof checkpointEntry>;
export type LogHead = z.output<typeof logHead>;

const counts = z.strictObject({
  entries: count,
  jobs: count,
  checkpoints: count,
  damagedJobs: count,
  logs: count,
  logEntries: count,
  application: count,
  payloads: count,
  bytes: count,
});
export type Counts = z.output<typeof counts>;

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

export const entriesFile = z.strictObject({
  name: z.string().check(z.regex(/^entries-[0-9]{5}(-[0-9a-z]+)?\.ndjson\.gz$/)),
  bytes: count,
  sha256,
  entries: count,
});
export type EntriesFile = z.output<typeof entriesFile>;

/** A payload as it lies in the backup. `composite`: S3's checksum of it when it was copied by parts. */
export const payloadFile = z.strictObject({
  name: z.string().check(z.regex(/^payloads\/[A-Za-z0-9][A-Za-z0-9._-]{0,127}\/[0-9a-f-]{36}$/)),
  bytes: count,
  sha256,
  composite: z.optional(z.string()),
});
export type PayloadFile = z.output<typeof payloadFile>;

/** A payload that was missing or not what its job says already when the backup was taken. */
export const unreadablePayload = z.strictObject({ name: payloadFile.shape.name, reason: z.string() });
export type UnreadablePayload = z.output<typeof unreadablePayload>;

const manifestBody = z.strictObject({
  versions: z.strictObject({ format: z.literal(formatVersion), tenure: z.string() }),
  group: name,
  backupId: z.uuid(),
  attempt: z.int().check(z.minimum(1)),
  completedAt: z.iso.datetime(),
  /** The last position of each log that the backup holds. */
  cut: z.record(name, count),
  counts,
  files: z.array(entriesFile),
  payloads: z.array(payloadFile),
  unreadable: z.array(unreadablePayload),
  /** Over the lines of all log entries in order: each link is the SHA-256 of the link before and the line. */
  chain: sha256,
});
const manifest = z.extend(manifestBody, { seal: sha256 });

export type ManifestBody = z.output<typeof manifestBody>;
export type Manifest = z.output<typeof manifest>;

export const sha256Of = (bytes: Uint8Array | string): string => createHash('sha256').update(bytes).digest('hex');

/** The chain before the first log entry. */
export const chainStart = '0'.repeat(64);
export const chained = (chain: string, line: string | Uint8Array): string =>
  hash('sha256', typeof line === 'string' ? chain + line : Buffer.concat([Buffer.from(chain), line]), 'hex');

/** The manifest's text. Its seal is the SHA-256 of everything else in it, so that no byte of it can change unnoticed. */
export function sealed(body: ManifestBody): string {
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
  if (sealed(body) !== text) return { damage: `${manifestName} is not what its seal says` };
  return { manifest: read.data };
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

/** What of an entry's payloads belongs into the backup. Those that a finished job's clean-up is about to delete do not. */
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
export function counted(counts: Counts, entries: readonly ArchiveEntry[]): Counts {
  const sum = { ...counts };
  for (const { type } of entries) {
    sum.entries += 1;
    if (type !== 'leadership') sum[counter[type]] += 1;
  }
  return sum;
}

export function added(counts: Counts, more: Partial<Counts>): Counts {
  const sum = { ...counts };
  for (const [name, value] of Object.entries(more) as [keyof Counts, number][]) sum[name] += value;
  return sum;
}
