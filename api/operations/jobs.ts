import * as z from 'zod/mini';
import { operation } from '../operation.ts';
import { limitReached, notFound } from '../problem.ts';
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
import { fencingVersion, instantText, json, name, nothing, page, pageQuery } from '../schema.ts';
import { maxPartBytes, maxParts, maxPayloadBytes, signedHeaders, uploadId } from '../upload.ts';

/** Checkpoints that a job keeps. */
export const retain = z.int().check(z.minimum(1), z.maximum(256));
/** With it a reference stays below 400 bytes, a commit at 2 write units. */
export const metadata = z
  .record(z.string().check(z.maxLength(128)), json)
  .check(z.refine((value) => Buffer.byteLength(JSON.stringify(value)) <= 160, 'must have at most 160 bytes as JSON'));

export const sha256 = z.string().check(z.regex(/^[0-9a-f]{64}$/, 'must be a SHA-256 in hex, 64 of 0-9 and a-f'));
export const payloadBytes = z.int().check(z.minimum(0), z.maximum(maxPayloadBytes));
const partNumber = z.int().check(z.minimum(1), z.maximum(maxParts));

/** As S3 gave it; anything else would be an error of the XML that names it. */
const etag = z
  .string()
  .check(z.regex(/^[\x21-\x25\x27-\x3b\x3d\x3f-\x7e]{1,128}$/, 'must be an ETag as S3 returned it'));

/** Names an uploaded payload; an upload in parts needs `parts` and `sha256`. */
export const uploaded = {
  uploadId,
  parts: z.optional(
    z.array(z.strictObject({ partNumber, etag, sha256 })).check(
      z.minLength(1),
      z.maxLength(maxParts),
      z.refine((parts) => parts.every((part, at) => part.partNumber === at + 1), 'must be numbered 1, 2, 3 … in order'),
    ),
  ),
  sha256: z.optional(sha256),
  bytes: z.optional(payloadBytes),
};
/** 10,000 parts need 1.5 MiB. */
export const uploadedBodyLimit = 2 * 1024 ** 2;

const maxInlineBytes = 64 * 1024;
/** At most 64 KiB in base64, which the service writes to S3. */
export const inline = z.base64().check(
  z.maxLength(Math.ceil(maxInlineBytes / 3) * 4),
  z.refine((text) => Buffer.byteLength(text, 'base64') <= maxInlineBytes, 'must have at most 64 KiB'),
);

export const job = z.object({ group: name, job: name });
const jobPath = '/v1/groups/{group}/jobs/{job}';

/** A reference as it is shown. */
export const shownPayload = z.object({ bytes: z.int().check(z.minimum(0)), sha256, committedAt: instantText });
export const shownCheckpoint = z.extend(shownPayload, {
  checkpointId: z.int().check(z.minimum(0)),
  metadata: z.optional(json),
});

/** Why a job ended as it did. */
export const detail = z.string().check(z.maxLength(1024));
export const outcome = z.enum(['succeeded', 'failed', 'cancelled']);
export const jobState = z.enum(['ACTIVE', 'FINISHED', 'CLEANED']);

export const shownJob = z
  .object({
    jobId: name,
    state: jobState,
    /** The highest that has touched the job. */
    fencingVersion,
    /**
     * Null once the job has finished, unless its clean-up is held. The url, to read it for an hour, comes with a single
     * job.
     */
    graph: z.nullable(z.extend(shownPayload, { url: z.optional(z.url()) })),
    metadata: z.optional(json),
    retain,
    /** Newest last. */
    checkpoints: z.array(shownCheckpoint),
    savepoints: z.array(shownCheckpoint),
    nextCheckpointId: z.int().check(z.minimum(1)),
    submittedAt: instantText,
    result: z.optional(outcome),
    detail: z.optional(z.string()),
    finishedAt: z.optional(instantText),
    /** The references stay until the application acknowledges its clean-up. */
    cleanUp: z.optional(z.literal('held')),
  })
  .register(z.globalRegistry, { id: 'Job' });

/** A job whose record cannot be read. */
const damagedJob = z.object({ jobId: z.string(), state: z.literal('DAMAGED'), reason: z.string() });
export const listedJob = z.discriminatedUnion('state', [shownJob, damagedJob]);

const signed = { url: z.url(), headers: signedHeaders };

export const beginUpload = operation({
  method: 'POST',
  path: `${jobPath}/uploads`,
  summary: 'Begin to upload a graph, a checkpoint or a savepoint straight to S3',
  servedBy: 'jobs',
  key: 'optional',
  callers: ['leader', 'operator'],
  params: job,
  query: nothing,
  fence: 'required',
  body: z.strictObject({
    purpose: z.enum(['graph', 'checkpoint', 'savepoint']),
    bytes: z.optional(payloadBytes),
    sha256: z.optional(sha256),
  }),
  answer: z.discriminatedUnion('method', [
    z.object({ method: z.literal('put'), uploadId, ...signed, expiresAt: instantText }),
    z.object({ method: z.literal('multipart'), uploadId, partBytes: z.int() }),
  ]),
  problems: [leadershipLost],
});

export const signParts = operation({
  method: 'POST',
  path: `${jobPath}/uploads/{upload}/parts`,
  summary: 'Get the URLs for parts of an upload',
  servedBy: 'jobs',
  key: 'optional',
  callers: ['leader', 'operator'],
  params: z.extend(job, { upload: uploadId }),
  query: nothing,
  fence: 'required',
  body: z.strictObject({
    parts: z
      .array(z.strictObject({ partNumber, bytes: z.int().check(z.minimum(0), z.maximum(maxPartBytes)), sha256 }))
      .check(
        z.minLength(1),
        z.maxLength(100),
        z.refine(
          (parts) => new Set(parts.map((part) => part.partNumber)).size === parts.length,
          'must name each part once',
        ),
      ),
  }),
  answer: z.object({ urls: z.array(z.object({ partNumber, ...signed })), expiresAt: instantText }),
  problems: [leadershipLost, uploadExpired],
});

export const submitJob = operation({
  method: 'PUT',
  path: jobPath,
  summary: 'Submit a job, or replace the graph of an active one',
  servedBy: 'jobs',
  callers: ['leader', 'operator'],
  params: job,
  query: nothing,
  fence: 'required',
  body: z.strictObject({
    graph: z.union([z.strictObject({ inline }), z.strictObject(uploaded)]),
    /** 1 for a new job unless given. */
    retain: z.optional(retain),
    metadata: z.optional(metadata),
  }),
  bodyLimit: uploadedBodyLimit,
  answer: z.object({ jobId: name, fencingVersion }),
  status: 201,
  problems: [
    leadershipLost,
    fenced,
    jobFinished,
    jobDamaged,
    uploadExpired,
    uploadUsed,
    payloadMissing,
    payloadMismatch,
    limitReached,
    stateLocked,
  ],
});

export const listJobs = operation({
  method: 'GET',
  path: '/v1/groups/{group}/jobs',
  summary: 'The jobs of the group, in order of their ids; a page of one state may hold fewer than its limit, or none',
  servedBy: 'jobs',
  callers: ['leader', 'observer', 'operator'],
  params: z.object({ group: name }),
  query: z.strictObject({ ...pageQuery.shape, state: z.optional(z.enum([...jobState.options, 'DAMAGED'])) }),
  body: nothing,
  answer: page(listedJob),
  problems: [],
});

export const showJob = operation({
  method: 'GET',
  path: jobPath,
  summary: 'One job',
  servedBy: 'jobs',
  callers: ['leader', 'observer', 'operator'],
  params: job,
  query: nothing,
  body: nothing,
  answer: shownJob,
  problems: [notFound, jobDamaged],
});

export const finishJob = operation({
  method: 'POST',
  path: `${jobPath}/finish`,
  summary: 'Record the result of a job, submitted or not: it never runs again',
  servedBy: 'jobs',
  callers: ['leader', 'operator'],
  params: job,
  query: nothing,
  fence: 'required',
  body: z.strictObject({
    result: outcome,
    detail: z.optional(detail),
    /** Keeps the references until `clean`: the application deletes what they name, and reads them for that. */
    cleanUp: z.optional(z.literal('held')),
  }),
  answer: z.object({
    state: jobState,
    /** False for a job that was never submitted. */
    submitted: z.boolean(),
  }),
  problems: [leadershipLost, fenced, jobFinished, jobDamaged, limitReached, stateLocked],
});

export const jobOperations = { beginUpload, signParts, submitJob, listJobs, showJob, finishJob };
