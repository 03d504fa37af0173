import * as z from 'zod/mini';
import { entriesFile, manifestName, payloadFile } from '../archive.ts';
import { operation } from '../operation.ts';
import { limitReached, notFound } from '../problem.ts';
import {
  backupDamaged,
  backupFailed,
  backupFinal,
  backupInProgress,
  backupNotAvailable,
  backupRunning,
  groupNotFound,
  noWorker,
  sourceForbidden,
  targetForbidden,
} from '../problems/backups.ts';
import { done, instantText, name, nothing, page, pageQuery } from '../schema.ts';

export const backupState = z.enum(['INITIATING', 'TRANSITIONING', 'RUNNING', 'VERIFYING', 'COMPLETED', 'FAILED']);
export const backupId = z.uuid();
const count = z.int().check(z.minimum(0));
const group = z.object({ group: name });
const backup = z.object({ group: name, backup: backupId });
const backups = '/v1/groups/{group}/backups';

/**
 * `s3://bucket/prefix/`, below a prefix of the deployment's `backupTargets`; or `file:///folder`, one that the worker
 * was started with.
 */
export const backupTarget = z
  .string()
  .check(
    z.maxLength(512),
    z.regex(
      /^(s3:\/\/[a-z0-9][a-z0-9.-]{1,61}[a-z0-9](\/[A-Za-z0-9_!'()-][A-Za-z0-9_!.'()-]*)+|file:\/\/(\/[A-Za-z0-9_~@+,=-][A-Za-z0-9._~@+,=-]*)+)\/?$/,
      'must be s3://bucket/prefix/ or file:///folder',
    ),
  );

export const backupOptions = z.strictObject({
  /**
   * Otherwise the call waits up to 25 s for the end: 200 when the backup has completed, `backup_failed` when it has
   * failed, 202 with the status so far when the time is up.
   */
  runAsync: z._default(z.boolean(), true),
  /** With no worker, or when all refuse, the built-in worker takes the backup. */
  allowLeader: z._default(z.boolean(), false),
  /** The built-in worker takes the backup, even if other workers are registered. */
  bypassDelegation: z._default(z.boolean(), false),
  /** The worker writes to its own disk. */
  localFileSystem: z._default(z.boolean(), false),
  /** Where the files go instead of the deployment's bucket; a folder means `localFileSystem`, so it needs a worker. */
  target: z.optional(backupTarget),
  /** A lost worker's attempt is given to the next one; otherwise the backup fails. */
  redelegate: z._default(z.boolean(), false),
  /** No backup: who would be chosen, at which positions, and why. */
  explain: z._default(z.boolean(), false),
});

export const backupStatus = z
  .object({
    backupId,
    group: name,
    state: backupState,
    attempt: count,
    worker: z.optional(z.string()),
    host: z.optional(z.string()),
    uri: z.optional(z.string()),
    /** As it was requested. */
    target: z.optional(z.string()),
    entryCount: count,
    bytes: count,
    startedAt: instantText,
    endedAt: z.optional(instantText),
    /** Milliseconds spent in each state so far. */
    phases: z.partialRecord(backupState, count),
    cut: z.optional(z.record(z.string(), count)),
    /** Writers were held back for at most so long while the cut was placed, ms. */
    pausedMs: z.optional(count),
    error: z.optional(z.object({ code: z.string(), message: z.string() })),
    refusals: z.array(z.object({ worker: z.string(), reason: z.string() })),
    sharedWith: z.optional(z.array(name)),
  })
  .register(z.globalRegistry, { id: 'Backup' });

export const explanation = z
  .object({
    explain: z.literal(true),
    candidates: z.array(z.object({ worker: z.string(), host: z.string(), chosen: z.boolean(), why: z.string() })),
    /** The last position of each log as it is now. */
    positions: z.record(z.string(), count),
  })
  .register(z.globalRegistry, { id: 'BackupPlan' });

export const createBackup = operation({
  method: 'POST',
  path: backups,
  summary: 'Take a backup of the group',
  servedBy: 'backups',
  callers: ['leader', 'operator'],
  params: group,
  query: nothing,
  body: backupOptions,
  answer: z.union([backupStatus, explanation]),
  status: 202,
  otherStatuses: [200],
  problems: [groupNotFound, backupInProgress, noWorker, limitReached, backupFailed, targetForbidden],
});

export const listBackups = operation({
  method: 'GET',
  path: backups,
  summary: 'The backups of the group, newest first',
  servedBy: 'backups',
  callers: ['leader', 'observer', 'operator'],
  params: group,
  query: pageQuery,
  body: nothing,
  answer: page(backupStatus),
  problems: [],
});

export const getBackup = operation({
  method: 'GET',
  path: `${backups}/{backup}`,
  summary: 'The status of a backup',
  servedBy: 'backups',
  callers: ['leader', 'worker', 'observer', 'operator'],
  params: backup,
  query: nothing,
  body: nothing,
  answer: backupStatus,
  problems: [notFound],
});

export const cancelBackup = operation({
  method: 'POST',
  path: `${backups}/{backup}/cancel`,
  summary: 'End a running backup; the worker hears it through its next verdict',
  servedBy: 'backups',
  key: 'kept',
  callers: ['leader', 'operator'],
  params: backup,
  query: nothing,
  body: nothing,
  answer: backupStatus,
  problems: [notFound, backupFinal],
});

export const deleteBackup = operation({
  method: 'DELETE',
  path: `${backups}/{backup}`,
  summary: 'Delete a finished backup, its manifest first',
  servedBy: 'backups',
  key: 'kept',
  callers: ['operator'],
  params: backup,
  query: nothing,
  body: nothing,
  answer: z.object({ deleted: z.boolean() }),
  problems: [notFound, backupRunning],
});

export const fileName = z.union([z.literal(manifestName), entriesFile.shape.name, payloadFile.shape.name]);

export const listBackupFiles = operation({
  method: 'GET',
  path: `${backups}/{backup}/files`,
  summary: 'The files of a completed backup with presigned URLs, the manifest first',
  servedBy: 'backups',
  callers: ['leader', 'worker', 'observer', 'operator'],
  params: backup,
  query: pageQuery,
  body: nothing,
  answer: page(z.object({ name: fileName, bytes: count, sha256: entriesFile.shape.sha256, url: z.url() })),
  problems: [notFound, sourceForbidden, backupNotAvailable, backupDamaged],
});

export const shareBackup = operation({
  method: 'POST',
  path: `${backups}/{backup}/share`,
  summary: 'Let another group restore this backup',
  servedBy: 'backups',
  key: 'kept',
  callers: ['operator'],
  params: backup,
  query: nothing,
  body: z.strictObject({ group: name }),
  answer: z.object({ sharedWith: z.array(name) }),
  problems: [notFound],
});

export const unshareBackup = operation({
  method: 'DELETE',
  path: `${backups}/{backup}/share/{with}`,
  summary: 'Take back that another group may restore this backup',
  servedBy: 'backups',
  key: 'kept',
  callers: ['operator'],
  params: z.extend(backup, { with: name }),
  query: nothing,
  body: nothing,
  answer: z.object({ sharedWith: z.array(name) }),
  problems: [notFound],
});

const policyPath = '/v1/groups/{group}/backup-policy';

export const backupPolicy = z.strictObject({
  everyMs: z.optional(z.int().check(z.minimum(60_000), z.maximum(31 * 86_400_000))),
  dailyAt: z.optional(z.string().check(z.regex(/^([01]\d|2[0-3]):[0-5]\d$/, 'must be HH:MM in UTC'))),
  retain: z.int().check(z.minimum(1), z.maximum(1000)),
  misfire: z._default(z.enum(['skip', 'catch-up']), 'skip'),
  target: z.optional(backupTarget),
});

const shownPolicy = z.object(backupPolicy.shape).register(z.globalRegistry, { id: 'BackupPolicy' });

const oneOf = backupPolicy.check(
  z.refine(
    ({ everyMs, dailyAt }) => (everyMs === undefined) !== (dailyAt === undefined),
    'needs either everyMs or dailyAt',
  ),
);

export const putBackupPolicy = operation({
  method: 'PUT',
  path: policyPath,
  summary: 'Take backups on a schedule and keep the newest',
  servedBy: 'backups',
  key: 'kept',
  callers: ['operator'],
  params: group,
  query: nothing,
  body: oneOf,
  answer: shownPolicy,
  problems: [targetForbidden],
});

export const getBackupPolicy = operation({
  method: 'GET',
  path: policyPath,
  summary: 'The backup schedule of the group',
  servedBy: 'backups',
  callers: ['leader', 'observer', 'operator'],
  params: group,
  query: nothing,
  body: nothing,
  answer: shownPolicy,
  problems: [notFound],
});

export const deleteBackupPolicy = operation({
  method: 'DELETE',
  path: policyPath,
  summary: 'Stop taking backups on a schedule',
  servedBy: 'backups',
  key: 'kept',
  callers: ['operator'],
  params: group,
  query: nothing,
  body: nothing,
  answer: done,
  problems: [],
});

export const backupOperations = {
  createBackup,
  listBackups,
  getBackup,
  cancelBackup,
  deleteBackup,
  listBackupFiles,
  shareBackup,
  unshareBackup,
  putBackupPolicy,
  getBackupPolicy,
  deleteBackupPolicy,
};
