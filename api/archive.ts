/** The lines and the manifest of a backup's archive, as schemas; `archive/` writes and verifies them. */
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
  retain: z.int().check(z.minimum(1), z.maximum(256)),
  commits: z.array(z.nullable(z.strictObject({ payloadId, checkpointId: count }))),
  nextCheckpointId: z.int().check(z.minimum(1)),
  newestCheckpointId: z.optional(z.int().check(z.minimum(-1))),
  cleanUp: z.optional(z.literal('held')),
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
  checkpointId: z.int().check(z.minimum(0)),
  ...payload,
  metadata: z.optional(json),
});

/** A job record that could not be read: nothing of it can be restored. */
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

/** State that an application's worker adds, which readers get back and a restore leaves alone. Bytes are in base64. */
const applicationEntry = z.strictObject({
  type: z.literal('application'),
  data: json,
  encoding: z.optional(z.literal('base64')),
});

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

export const counts = z.strictObject({
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

export const manifestBody = z.strictObject({
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
export const manifest = z.extend(manifestBody, { seal: sha256 });

export type ManifestBody = z.output<typeof manifestBody>;
export type Manifest = z.output<typeof manifest>;
