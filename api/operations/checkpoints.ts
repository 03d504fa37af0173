import * as z from 'zod/mini';
import { operation } from '../operation.ts';
import { notFound } from '../problem.ts';
import { tooManySavepoints, unexpectedCheckpoint } from '../problems/checkpoints.ts';
import {
  fenced,
  jobDamaged,
  jobFinished,
  payloadMismatch,
  payloadMissing,
  uploadExpired,
  uploadUsed,
} from '../problems/jobs.ts';
import { leadershipLost } from '../problems/leadership.ts';
import { stateLocked } from '../problems/log.ts';
import { cursor, name, nothing, page, pageQuery, wholeText } from '../schema.ts';
import { job, metadata, retain, sha256, shownCheckpoint, uploaded, uploadedBodyLimit } from './jobs.ts';

const jobPath = '/v1/groups/{group}/jobs/{job}';
const checkpointId = z.int().check(z.minimum(1));
const namedId = wholeText(1);

/** The bytes can be read from the url for an hour, also by range. */
const readable = { url: z.url(), bytes: z.int().check(z.minimum(0)), sha256 };
const readableCheckpoint = z.extend(shownCheckpoint, { url: z.url() });

export const commitCheckpoint = operation({
  method: 'POST',
  path: `${jobPath}/checkpoints`,
  summary: 'Commit an uploaded checkpoint or savepoint',
  servedBy: 'jobs',
  callers: ['leader', 'operator'],
  times: 'CheckpointCommitTime',
  params: job,
  query: nothing,
  fence: 'required',
  body: z.strictObject({
    ...uploaded,
    kind: z._default(z.enum(['checkpoint', 'savepoint']), 'checkpoint'),
    metadata: z.optional(metadata),
    /** The id that it must get: the one after the last commit. */
    expectedCheckpointId: z.optional(checkpointId),
  }),
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
    tooManySavepoints,
    uploadExpired,
    uploadUsed,
    payloadMissing,
    payloadMismatch,
    stateLocked,
  ],
});

export const listCheckpoints = operation({
  method: 'GET',
  path: `${jobPath}/checkpoints`,
  summary: 'The checkpoints that the job keeps, newest last',
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

export const discardCheckpoints = operation({
  method: 'DELETE',
  path: `${jobPath}/checkpoints`,
  summary: 'Discard all checkpoints of the job; savepoints stay',
  servedBy: 'jobs',
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
  callers: ['leader', 'operator'],
  times: 'RecoveryTime',
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
        metadata: z.optional(z.json()),
        retain,
        graph: z.object(readable),
        checkpoint: z.nullable(z.object({ checkpointId, ...readable, metadata: z.json() })),
        /** The id of the next commit. */
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
  listCheckpoints,
  latestCheckpoint,
  showCheckpoint,
  discardCheckpoints,
  discardSavepoint,
  recover,
  collectOrphans,
};
