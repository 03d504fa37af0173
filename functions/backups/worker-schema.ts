import * as z from 'zod';
import { operation } from '../platform/operation.ts';
import { notFound } from '../platform/problem.ts';
import { instantText, name, nothing, page, pageQuery } from '../platform/schema.ts';
import { backupId } from './schema.ts';

const group = z.object({ group: name });
const worker = z.object({ group: name, worker: name });
const position = z.record(name, z.int().min(0));

export const registerWorker = operation({
  method: 'PUT',
  path: '/v1/groups/{group}/workers/{worker}',
  summary: 'Register a worker, or keep it registered',
  servedBy: 'backups',
  params: worker,
  query: nothing,
  body: z.strictObject({ host: z.string().min(1).max(256) }),
  answer: z.object({ pollAfterMs: z.int() }),
  problems: [],
});

export const goodbye = operation({
  method: 'DELETE',
  path: '/v1/groups/{group}/workers/{worker}',
  summary: 'Take leave: what the worker was doing goes to another at once',
  servedBy: 'backups',
  params: worker,
  query: nothing,
  body: nothing,
  answer: nothing,
  problems: [],
});

export const listWorkers = operation({
  method: 'GET',
  path: '/v1/groups/{group}/workers',
  summary: 'The workers of the group',
  servedBy: 'backups',
  params: group,
  query: pageQuery,
  body: nothing,
  answer: page(
    z.object({
      worker: name,
      host: z.string(),
      lastSeenAt: instantText,
      present: z.boolean(),
      busyWith: backupId.optional(),
    }),
  ),
  problems: [],
});

/** Where the worker puts an attempt's files: to S3 by presigned uploads of this attempt's prefix, or to its own disk. */
const target = z.discriminatedUnion('type', [
  z.object({ type: z.literal('s3'), prefix: z.string() }),
  z.object({ type: z.literal('file') }),
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
]);

export const pollCommands = operation({
  method: 'GET',
  path: '/v1/groups/{group}/workers/{worker}/commands',
  summary: 'Wait for commands; also keeps the worker registered',
  servedBy: 'backups',
  params: worker,
  query: z.strictObject({ waitMs: z.coerce.number().int().min(0).max(20_000).default(0) }),
  body: nothing,
  answer: z.object({ commands: z.array(command), pollAfterMs: z.int() }),
  problems: [notFound],
});

export const answerCommand = operation({
  method: 'POST',
  path: '/v1/groups/{group}/workers/{worker}/commands/{command}/answer',
  summary: 'Accept or refuse a command',
  servedBy: 'backups',
  params: z.object({ group: name, worker: name, command: z.string().regex(/^[A-Za-z0-9._-]{1,128}$/) }),
  query: nothing,
  body: z.strictObject({
    accepted: z.boolean(),
    reason: z.string().max(512).optional(),
    /** Where the worker's apply position is pinned, per log. */
    position: position.optional(),
  }),
  answer: nothing,
  problems: [notFound],
});

const attemptPath = '/v1/groups/{group}/backups/{backup}/attempts/{attempt}';
const attempt = z.object({ group: name, backup: backupId, attempt: z.coerce.number().int().min(1).max(1000) });
const headers = { 'Attempt-Secret': z.string().min(16).max(128) };
const verdict = z.object({ verdict: z.enum(['continue', 'cancelled', 'superseded']) });

export const heartbeat = operation({
  method: 'POST',
  path: `${attemptPath}/heartbeat`,
  summary: "Report the attempt's progress and hear its verdict",
  servedBy: 'backups',
  params: attempt,
  query: nothing,
  headers,
  body: z.strictObject({
    /** Rises with every heartbeat of the attempt; a lower one changes nothing. */
    sequence: z.int().min(1),
    state: z.enum(['TRANSITIONING', 'RUNNING']),
    entryCount: z.int().min(0),
    bytes: z.int().min(0),
    position: position.optional(),
  }),
  answer: verdict,
  problems: [notFound],
});

export const finishAttempt = operation({
  method: 'POST',
  path: `${attemptPath}/finish`,
  summary: 'Report that all files, the manifest last, are in place',
  servedBy: 'backups',
  params: attempt,
  query: nothing,
  headers,
  body: z.strictObject({
    uri: z.string().max(1024),
    entryCount: z.int().min(0),
    bytes: z.int().min(0),
    manifestSha256: z.string().regex(/^[0-9a-f]{64}$/),
  }),
  answer: verdict,
  problems: [notFound],
});

export const failAttempt = operation({
  method: 'POST',
  path: `${attemptPath}/fail`,
  summary: 'Report that the attempt cannot go on',
  servedBy: 'backups',
  params: attempt,
  query: nothing,
  headers,
  body: z.strictObject({ code: z.string().regex(/^[a-z_]{1,64}$/), message: z.string().max(512) }),
  answer: verdict,
  problems: [notFound],
});
