/**
 * The lines and the manifest of a backup's archive, as schemas; `archive/` writes and verifies them. The same
 * schemas bound a live group in the API and an archive here, so that a verified archive can be restored.
 */
import * as z from 'zod/mini';
import { maxRound, maxVersion, pack } from './ballot.ts';
import { detail, jobState, metadata, outcome, payloadBytes, retain, sha256 } from './operations/jobs.ts';
import { entryData } from './operations/log.ts';
import { name } from './schema.ts';
import { maxParts } from './upload.ts';

/** Raised when an older reader would misunderstand what is written now. */
export const formatVersion = 2;
export const manifestName = 'manifest.json';
export const payloadFolder = 'payloads/';

/** A restored group continues above every version that the archive knows: so much must be left for its terms. */
const versionHeadroom = 2 ** 24;
export const maxArchivedVersion = maxVersion - versionHeadroom;
/** Positions and checkpoint ids continue from where they are, too. */
export const maxArchivedNumber = 2 ** 52;

const count = z.int().check(z.minimum(0));
const version = z.int().check(z.minimum(0), z.maximum(maxArchivedVersion));
const position = z.int().check(z.minimum(0), z.maximum(maxArchivedNumber));
const checkpointId = z.int().check(z.minimum(0), z.maximum(maxArchivedNumber));
/** As many as the largest retention, and those that a late retry may still ask for. */
const mostCommits = 256 + 8;
/** Epoch ms, up to the year 9999, behind which no instant can be written. */
const instant = z.int().check(z.minimum(0), z.maximum(253_402_300_799_999));
/** The mark of a request, or a name that a caller chose. */
const shortText = z.string().check(z.maxLength(128));
const reason = z.string().check(z.maxLength(1024));
const payloadId = z.uuid();
/** S3's checksum over the parts' checksums. */
const composite = z.string().check(
  z.regex(/^[A-Za-z0-9+/]{43}=-[1-9][0-9]{0,4}$/),
  z.refine((text) => Number(text.split('-')[1]) <= maxParts, `must have at most ${maxParts} parts`),
);
const payload = {
  payloadId,
  bytes: payloadBytes,
  sha256,
  composite: z.optional(composite),
  committedAt: instant,
};

/** Who led the group, and the highest fencing version that any of its records knew. */
const leadershipEntry = z.strictObject({
  type: z.literal('leadership'),
  fencingVersion: version,
  highestVersion: version,
  contenderId: z.optional(shortText),
  confirmedAt: z.optional(instant),
});

/** One job, as at the cut. Its checkpoints and savepoints follow. */
const jobEntry = z.strictObject({
  type: z.literal('job'),
  jobId: name,
  state: jobState,
  fence: version,
  graph: z.optional(z.strictObject(payload)),
  metadata: z.optional(metadata),
  retain,
  /** The last commits, newest first. */
  commits: z.array(z.nullable(z.strictObject({ payloadId, checkpointId }))).check(z.maxLength(mostCommits)),
  nextCheckpointId: checkpointId,
  newestCheckpointId: z.optional(z.int().check(z.minimum(-1), z.maximum(maxArchivedNumber))),
  cleanUp: z.optional(z.literal('held')),
  submittedAt: instant,
  requestId: shortText,
  requestBefore: z.optional(shortText),
  result: z.optional(
    z.strictObject({ outcome, detail: z.optional(detail), finishedAt: instant, requestId: shortText }),
  ),
});

const checkpointEntry = z.strictObject({
  type: z.literal('checkpoint'),
  jobId: name,
  kind: z.enum(['checkpoint', 'savepoint']),
  checkpointId,
  ...payload,
  metadata: z.optional(metadata),
});

/** A job record that could not be read: nothing of it can be restored. */
const damagedJobEntry = z.strictObject({ type: z.literal('damaged-job'), jobId: name, reason });

/** One log: its positions at the cut, and the highest ballot that any of its replicas knew. Its entries follow. */
const logHead = z.strictObject({
  type: z.literal('log'),
  log: name,
  begin: position,
  end: position,
  promised: z.int().check(z.minimum(0), z.maximum(pack(maxArchivedVersion, maxRound))),
});

const logEntry = z.strictObject({ type: z.literal('log-entry'), log: name, position, data: entryData });

/** State that an application's worker adds, which readers get back and a restore leaves alone. Bytes are in base64. */
const applicationEntry = z.strictObject({
  type: z.literal('application'),
  data: z.unknown(),
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

/** Limits of one file of entries, packed and unpacked. */
export const maxFileBytes = 64 * 1024 ** 2;
/** Limits of a manifest. */
export const maxManifestBytes = 64 * 1024 ** 2;

const fileBytes = z.int().check(z.minimum(0), z.maximum(maxFileBytes));

export const entriesFile = z.strictObject({
  name: z.string().check(z.regex(/^entries-[0-9]{5,6}(-[0-9a-z]{1,32})?\.ndjson\.gz$/)),
  bytes: fileBytes,
  sha256,
  entries: z.int().check(z.minimum(0), z.maximum(maxFileBytes)),
  /** Bytes of its lines, known before they are unpacked. */
  unpacked: fileBytes,
});
export type EntriesFile = z.output<typeof entriesFile>;

/** A payload as it lies in the backup. `composite`: S3's checksum of it when it was copied by parts. */
export const payloadFile = z.strictObject({
  name: z.string().check(z.regex(/^payloads\/[A-Za-z0-9][A-Za-z0-9._-]{0,127}\/[0-9a-f-]{36}$/)),
  bytes: payloadBytes,
  sha256,
  composite: z.optional(composite),
});
export type PayloadFile = z.output<typeof payloadFile>;

/** A payload that was missing or not what its job says already when the backup was taken. */
export const unreadablePayload = z.strictObject({ name: payloadFile.shape.name, reason });
export type UnreadablePayload = z.output<typeof unreadablePayload>;

export const manifestBody = z.strictObject({
  versions: z.strictObject({ format: z.literal(formatVersion), tenure: shortText }),
  group: name,
  backupId: z.uuid(),
  attempt: z.int().check(z.minimum(1)),
  completedAt: z.iso.datetime(),
  /** The last position of each log that the backup holds. */
  cut: z.record(name, position),
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
