import * as z from 'zod/mini';
import { operation } from '../operation.ts';
import { notFound } from '../problem.ts';
import {
  newestCheckpoint,
  staleCheckpointId,
  tooManySavepoints,
  unexpectedCheckpoint,
} from '../problems/checkpoints.ts';
import {
  fenced,
  jobActive,
  jobDamaged,
  jobFinished,
  payloadMismatch,
  payloadMissing,
  uploadExpired,
  uploadUsed,
} from '../problems/jobs.ts';
import { leadershipLost } from '../problems/leadership.ts';
import { stateLocked } from '../problems/log.ts';
import { cursor, flag, json, name, nothing, page, pageQuery, wholeText } from '../schema.ts';
import {
  inline,
  job,
  jobState,
  metadata,
  retain,
  sha256,
  shownCheckpoint,
  uploaded,
  uploadedBodyLimit,
} from './jobs.ts';

const jobPath = '/v1/groups/{group}/jobs/{job}';
const checkpointId = z.int().check(z.minimum(0), z.maximum(Number.MAX_SAFE_INTEGER - 1));
const namedId = wholeText(0);
const kind = z.enum(['checkpoint', 'savepoint']);

/** The bytes can be read from the url for an hour, also by range. */
const readable = { url: z.url(), bytes: z.int().check(z.minimum(0)), sha256 };
const readableCheckpoint = z
  .extend(shownCheckpoint, { kind, url: z.url() })
  .register(z.globalRegistry, { id: 'Checkpoint' });

export const commitCheckpoint = operation({
  method: 'POST',
  path: `${jobPath}/checkpoints`,
  summary: 'Commit a checkpoint or savepoint, uploaded before or within the request',
  servedBy: 'jobs',
  callers: ['leader', 'operator'],
  times: 'CheckpointCommitTime',
  params: job,
  query: nothing,
  fence: 'required',
  body: z
    .strictObject({
      ...uploaded,
      uploadId: z.optional(uploaded.uploadId),
      /** Instead of an upload. */
      inline: z.optional(inline),
      kind: z._default(kind, 'checkpoint'),
      metadata: z.optional(metadata),
      /** The id that the service must give: the one after the last commit or reservation. */
      expectedCheckpointId: z.optional(checkpointId),
      /** The id that the application gives: above every committed one, reserved before or of its own counting. */
      checkpointId: z.optional(checkpointId),
    })
    .check(
      z.refine((body) => (body.uploadId === undefined) !== (body.inline === undefined), {
        path: ['uploadId'],
        message: 'must be given, or inline instead of it',
      }),
      z.refine((body) => body.inline === undefined || body.parts === undefined, {
        path: ['parts'],
        message: 'belong to an upload, not to an inline payload',
      }),
      z.refine((body) => body.checkpointId === undefined || body.expectedCheckpointId === undefined, {
        path: ['checkpointId'],
        message: 'excludes expectedCheckpointId',
      }),
    ),
  bodyLimit: uploadedBodyLimit,
  answer: z.object({
    checkpointId,
    /** Ids of the checkpoints that are kept now, newest last. */
    retained: z.array(checkpointId),
    /** The answer to a late retry, status 200: it was committed, and has been dropped since. */
    dropped: z.optional(z.literal(true)),
    /** The newest one then, if there is any. */
    supersededBy: z.optional(checkpointId),
  }),
  status: 201,
  otherStatuses: [200],
  problems: [
    notFound,
    fenced,
    jobFinished,
    jobDamaged,
    unexpectedCheckpoint,
    staleCheckpointId,
    tooManySavepoints,
    uploadExpired,
    uploadUsed,
    payloadMissing,
    payloadMismatch,
    stateLocked,
  ],
});

export const reserveCheckpoint = operation({
  method: 'POST',
  path: `${jobPath}/checkpoints/reserve`,
  summary: 'Reserve the next checkpoint id, which nobody else gets',
  servedBy: 'jobs',
  callers: ['leader', 'operator'],
  params: job,
  query: nothing,
  fence: 'required',
  body: z.strictObject({
    /** The lowest id that will do, for a job that continues from the checkpoint of another: ids may leave gaps. */
    atLeast: z.optional(checkpointId),
  }),
  answer: z.object({ checkpointId }),
  problems: [notFound, fenced, jobFinished, jobDamaged, stateLocked],
});

export const listCheckpoints = operation({
  method: 'GET',
  path: `${jobPath}/checkpoints`,
  summary: 'The checkpoints and savepoints that the job keeps, newest last',
  servedBy: 'jobs',
  callers: ['leader', 'observer', 'operator'],
  params: job,
  query: pageQuery,
  body: nothing,
  answer: page(readableCheckpoint),
  problems: [notFound, jobDamaged],
});

export const latestCheckpoint = operation({
  method: 'GET',
  path: `${jobPath}/checkpoints/latest`,
  summary: 'The newest checkpoint',
  servedBy: 'jobs',
  callers: ['leader', 'observer', 'operator'],
  params: job,
  query: nothing,
  body: nothing,
  answer: readableCheckpoint,
  problems: [notFound, jobDamaged],
});

export const showCheckpoint = operation({
  method: 'GET',
  path: `${jobPath}/checkpoints/{checkpoint}`,
  summary: 'A checkpoint or savepoint by its id',
  servedBy: 'jobs',
  callers: ['leader', 'observer', 'operator'],
  params: z.extend(job, { checkpoint: namedId }),
  query: nothing,
  body: nothing,
  answer: readableCheckpoint,
  problems: [notFound, jobDamaged],
});

const discarded = z.object({ discarded: z.int().check(z.minimum(0)) });

export const discardCheckpoint = operation({
  method: 'DELETE',
  path: `${jobPath}/checkpoints/{checkpoint}`,
  summary: 'Discard one checkpoint or savepoint; the newest checkpoint only with force',
  servedBy: 'jobs',
  key: 'kept',
  callers: ['leader', 'operator'],
  params: z.extend(job, { checkpoint: namedId }),
  query: z.strictObject({ force: flag }),
  fence: 'required',
  body: nothing,
  answer: discarded,
  problems: [notFound, fenced, jobFinished, jobDamaged, newestCheckpoint, stateLocked],
});

export const cleanJob = operation({
  method: 'POST',
  path: `${jobPath}/clean`,
  summary: 'Acknowledge that the application has deleted what a finished job referred to',
  servedBy: 'jobs',
  key: 'kept',
  callers: ['leader', 'operator'],
  params: job,
  query: nothing,
  fence: 'required',
  body: nothing,
  answer: z.object({ state: jobState }),
  problems: [notFound, fenced, jobActive, jobDamaged, stateLocked],
});

export const discardCheckpoints = operation({
  method: 'DELETE',
  path: `${jobPath}/checkpoints`,
  summary: 'Discard all checkpoints of the job; savepoints stay',
  servedBy: 'jobs',
  key: 'kept',
  callers: ['leader', 'operator'],
  params: job,
  query: nothing,
  fence: 'required',
  body: nothing,
  answer: discarded,
  problems: [notFound, fenced, jobFinished, jobDamaged, stateLocked],
});

export const discardSavepoint = operation({
  method: 'DELETE',
  path: `${jobPath}/savepoints/{savepoint}`,
  summary: 'Discard a savepoint',
  servedBy: 'jobs',
  key: 'kept',
  callers: ['leader', 'operator'],
  params: z.extend(job, { savepoint: namedId }),
  query: nothing,
  fence: 'required',
  body: nothing,
  answer: discarded,
  problems: [notFound, fenced, jobDamaged, stateLocked],
});

export const recover = operation({
  method: 'POST',
  path: '/v1/groups/{group}/recovery',
  summary: 'Claim the active jobs, page by page, with their newest checkpoints',
  servedBy: 'jobs',
  key: 'optional',
  callers: ['leader', 'operator'],
  times: 'RecoveryTime',
  journals: { as: 'jobs-recovered', members: ['jobs', 'damaged'] },
  params: z.object({ group: name }),
  query: nothing,
  fence: 'required',
  body: z.strictObject({
    onDamaged: z._default(z.enum(['fail', 'fallback']), 'fail'),
    discardOlder: z._default(z.boolean(), false),
    cursor: z.optional(cursor),
  }),
  answer: z.object({
    jobs: z.array(
      z.object({
        jobId: name,
        metadata: z.optional(json),
        retain,
        graph: z.object(readable),
        checkpoint: z.nullable(z.object({ checkpointId, ...readable, metadata: json })),
        /** The id of the next commit or reservation. */
        nextCheckpointId: checkpointId,
      }),
    ),
    damaged: z.array(z.object({ jobId: name, reason: z.string(), fellBackTo: z.optional(checkpointId) })),
    nextCursor: z.optional(z.string()),
  }),
  problems: [leadershipLost, fenced],
});

export const collectOrphans = operation({
  method: 'POST',
  path: '/v1/groups/{group}/orphans/collect',
  summary: 'Delete the payloads of the group that nothing refers to, as an operator',
  servedBy: 'jobs',
  key: 'kept',
  callers: ['operator'],
  params: z.object({ group: name }),
  query: nothing,
  body: z.strictObject({ dryRun: z._default(z.boolean(), false), cursor: z.optional(cursor) }),
  answer: z.object({
    /** With a dry run: what would be deleted. */
    collected: z.array(z.object({ key: z.string(), bytes: z.int().check(z.minimum(0)), modifiedAt: z.iso.datetime() })),
    scanned: z.int().check(z.minimum(0)),
    /** A backup in progress keeps everything where it is. */
    held: z.boolean(),
    /** Younger ones are left alone: they may be about to be committed. */
    graceMs: z.int().check(z.minimum(0)),
    nextCursor: z.optional(z.string()),
  }),
  problems: [],
});

export const checkpointOperations = {
  commitCheckpoint,
  reserveCheckpoint,
  listCheckpoints,
  latestCheckpoint,
  showCheckpoint,
  discardCheckpoint,
  discardCheckpoints,
  discardSavepoint,
  cleanJob,
  recover,
  collectOrphans,
};
