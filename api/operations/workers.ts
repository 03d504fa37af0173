import * as z from 'zod/mini';
import { archiveEntry, entriesFile, manifestName, payloadFile, unreadablePayload } from '../archive.ts';
import { operation } from '../operation.ts';
import { limitReached, notFound } from '../problem.ts';
import { attemptSuperseded, workerReplaced } from '../problems/backups.ts';
import { cursor, done, instantText, name, nothing, page, pageQuery, wholeText } from '../schema.ts';
import { signedHeaders } from '../upload.ts';
import { backupId } from './backups.ts';

const group = z.object({ group: name });
const worker = z.object({ group: name, worker: name });
const position = z.record(name, z.int().check(z.minimum(0)));
/** Names the worker's process: a restart under the same name is another instance, and the loss of the one before. */
const instanceId = z.optional(z.uuid());

export const registerWorker = operation({
  method: 'PUT',
  path: '/v1/groups/{group}/workers/{worker}',
  summary: 'Register a worker, or keep it registered',
  servedBy: 'workers',
  key: 'kept',
  callers: ['worker', 'operator'],
  params: worker,
  query: nothing,
  body: z.strictObject({
    host: z.string().check(z.minLength(1), z.maxLength(256)),
    instanceId,
    /**
     * Where the worker can keep backups on its own disk. Empty: it takes none with localFileSystem; left out: it
     * refuses them itself.
     */
    folders: z.optional(z.array(z.string().check(z.minLength(1), z.maxLength(512))).check(z.maxLength(8))),
  }),
  answer: z.object({ pollAfterMs: z.int() }),
  problems: [limitReached],
});

export const goodbye = operation({
  method: 'DELETE',
  path: '/v1/groups/{group}/workers/{worker}',
  summary: 'Say goodbye: the backup of the worker goes to another at once; another instance of the same name stays',
  servedBy: 'workers',
  key: 'kept',
  callers: ['worker', 'operator'],
  params: worker,
  query: z.strictObject({ instanceId }),
  body: nothing,
  answer: done,
  problems: [],
});

export const listWorkers = operation({
  method: 'GET',
  path: '/v1/groups/{group}/workers',
  summary: 'The workers of the group',
  servedBy: 'workers',
  callers: ['leader', 'observer', 'operator'],
  params: group,
  query: pageQuery,
  body: nothing,
  answer: page(
    z.object({
      worker: name,
      host: z.string(),
      lastSeenAt: instantText,
      present: z.boolean(),
      folders: z.optional(z.array(z.string())),
      busyWith: z.optional(backupId),
    }),
  ),
  problems: [],
});

/**
 * Where the worker puts an attempt's files: to S3 by presigned uploads of this attempt's prefix, or to its own disk.
 */
const target = z.discriminatedUnion('type', [
  z.object({ type: z.literal('s3'), prefix: z.string() }),
  /** `folder`: which of those that the worker registered; its first one unless given. */
  z.object({ type: z.literal('file'), folder: z.optional(z.string()) }),
]);

export const command = z.discriminatedUnion('type', [
  z.object({
    type: z.literal('suspend'),
    commandId: z.string(),
    backupId,
    attempt: z.int(),
    suspendTimeoutMs: z.int(),
  }),
  z.object({
    type: z.literal('backup'),
    commandId: z.string(),
    backupId,
    attempt: z.int(),
    attemptSecret: z.string(),
    cut: position,
    target,
    heartbeatMs: z.int(),
  }),
  z.object({ type: z.literal('cancel'), commandId: z.string(), backupId, attempt: z.int() }),
  /** The backup was deleted: so are its files on the worker's disk. */
  z.object({ type: z.literal('discard'), commandId: z.string(), backupId, attempt: z.int() }),
]);

export const pollCommands = operation({
  method: 'GET',
  path: '/v1/groups/{group}/workers/{worker}/commands',
  summary: 'Wait for commands; also keeps the worker registered',
  servedBy: 'workers',
  callers: ['worker', 'operator'],
  params: worker,
  query: z.strictObject({
    /** Only a worker that a backup waits for may wait, and only with one poll at a time. */
    waitMs: z._default(wholeText(0, 20_000), 0).register(z.globalRegistry, { override: { default: 0 } }),
    instanceId,
  }),
  body: nothing,
  answer: z.object({ commands: z.array(command), pollAfterMs: z.int() }),
  problems: [notFound, workerReplaced],
});

export const answerCommand = operation({
  method: 'POST',
  path: '/v1/groups/{group}/workers/{worker}/commands/{command}/answer',
  summary: 'Accept or refuse a command',
  servedBy: 'workers',
  key: 'kept',
  callers: ['worker', 'operator'],
  params: z.object({ group: name, worker: name, command: z.string().check(z.regex(/^[A-Za-z0-9._-]{1,128}$/)) }),
  query: nothing,
  body: z.strictObject({
    accepted: z.boolean(),
    reason: z.optional(z.string().check(z.maxLength(512))),
    /** Where the worker's apply position is pinned, per log. */
    position: z.optional(position),
  }),
  answer: done,
  problems: [notFound],
});

const attemptPath = '/v1/groups/{group}/backups/{backup}/attempts/{attempt}';
const attempt = z.object({ group: name, backup: backupId, attempt: wholeText(1, 1000) });
const headers = { 'Attempt-Secret': z.string().check(z.minLength(16), z.maxLength(128)) };
const verdict = z.object({ verdict: z.enum(['continue', 'cancelled', 'superseded']) });

export const heartbeat = operation({
  method: 'POST',
  path: `${attemptPath}/heartbeat`,
  summary: "Report the attempt's progress and hear its verdict",
  servedBy: 'backups',
  key: 'optional',
  callers: ['worker', 'operator'],
  params: attempt,
  query: nothing,
  headers,
  body: z.strictObject({
    /** Rises with every heartbeat of the attempt; a lower one changes nothing. */
    sequence: z.int().check(z.minimum(1)),
    state: z.enum(['TRANSITIONING', 'RUNNING']),
    entryCount: z.int().check(z.minimum(0)),
    bytes: z.int().check(z.minimum(0)),
    position: z.optional(position),
  }),
  answer: verdict,
  problems: [notFound],
});

export const finishAttempt = operation({
  method: 'POST',
  path: `${attemptPath}/finish`,
  summary: 'Report that all files, the manifest last, are in place',
  servedBy: 'backups',
  key: 'kept',
  callers: ['worker', 'operator'],
  params: attempt,
  query: nothing,
  headers,
  body: z.strictObject({
    uri: z.string().check(z.maxLength(1024)),
    entryCount: z.int().check(z.minimum(0)),
    bytes: z.int().check(z.minimum(0)),
    manifestSha256: z.string().check(z.regex(/^[0-9a-f]{64}$/)),
  }),
  answer: verdict,
  problems: [notFound],
});

export const failAttempt = operation({
  method: 'POST',
  path: `${attemptPath}/fail`,
  summary: 'Report that the attempt cannot continue',
  servedBy: 'backups',
  key: 'kept',
  callers: ['worker', 'operator'],
  params: attempt,
  query: nothing,
  headers,
  body: z.strictObject({
    code: z.string().check(z.regex(/^[a-z_]{1,64}$/)),
    message: z.string().check(z.maxLength(512)),
  }),
  answer: verdict,
  problems: [notFound],
});

export const attemptEntries = operation({
  method: 'GET',
  path: `${attemptPath}/entries`,
  summary: "Entries that the attempt's archive has to hold, page by page: one JSON object for each of its lines",
  servedBy: 'backups',
  callers: ['worker', 'operator'],
  params: attempt,
  query: z.strictObject({ cursor: z.optional(cursor) }),
  headers,
  body: nothing,
  answer: z.object({ entries: z.array(archiveEntry), nextCursor: z.optional(z.string()) }),
  problems: [notFound, attemptSuperseded],
});

const sha256 = z.string().check(z.regex(/^[0-9a-f]{64}$/, 'must be 64 hexadecimal digits'));

const referredPayload = z.strictObject({
  jobId: name,
  payloadId: z.uuid(),
  bytes: z.int().check(z.minimum(0)),
  sha256,
  composite: z.optional(z.string().check(z.maxLength(128))),
});

export const attemptFiles = operation({
  method: 'POST',
  path: `${attemptPath}/files`,
  summary: "Ask for addresses to which the attempt's files can be uploaded",
  servedBy: 'backups',
  key: 'optional',
  callers: ['worker', 'operator'],
  params: attempt,
  query: nothing,
  headers,
  body: z.strictObject({
    files: z
      .array(
        z.strictObject({
          name: z.union([entriesFile.shape.name, z.literal(manifestName)]),
          bytes: z.int().check(z.minimum(1), z.maximum(64 * 1024 * 1024)),
          sha256,
        }),
      )
      .check(z.minLength(1), z.maxLength(100)),
  }),
  answer: z.object({
    urls: z.array(z.object({ name: z.string(), url: z.string(), headers: signedHeaders })),
  }),
  problems: [notFound, attemptSuperseded],
});

export const attemptPayloads = operation({
  method: 'POST',
  path: `${attemptPath}/payloads`,
  summary: 'Copy payloads next to the files, or get URLs to read them for a backup on the disk of the worker',
  servedBy: 'backups',
  key: 'optional',
  callers: ['worker', 'operator'],
  params: attempt,
  query: nothing,
  headers,
  body: z.strictObject({
    payloads: z.array(referredPayload).check(z.minLength(1), z.maxLength(100)),
    /** From the previous response: resumes in the middle of a large payload. */
    resume: z.optional(z.string().check(z.maxLength(2048))),
  }),
  answer: z.object({
    /** Results for the first payloads, in order. */
    copied: z.optional(
      z.array(z.union([z.object({ file: payloadFile }), z.object({ unreadable: unreadablePayload })])),
    ),
    /** Part of the next one is copied already: ask for the rest, with this. */
    resume: z.optional(z.string()),
    urls: z.optional(z.array(z.string())),
  }),
  problems: [notFound, attemptSuperseded],
});

export const workerOperations = {
  registerWorker,
  goodbye,
  listWorkers,
  pollCommands,
  answerCommand,
  heartbeat,
  finishAttempt,
  failAttempt,
  attemptEntries,
  attemptFiles,
  attemptPayloads,
};
