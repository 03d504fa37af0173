/** How payloads come into the bucket: the client moves the bytes, this says where to, and verifies what has come. */
import { createHash } from 'node:crypto';
import { v7 } from 'uuid';
import { invalidRequest, ProblemError } from '../../../api/problem.ts';
import { payloadMismatch, payloadMissing, uploadExpired } from '../../../api/problems/jobs.ts';
import { maxPutBytes, uploadLifetimeMs } from '../../../api/upload.ts';
import type { Clock } from '../../../store/clock.ts';
import type { JobName, Payload } from '../job.ts';
import type { Part, PayloadStore, Promised, SignedRequest, Stored } from './payload-store.ts';
import { urlLifetimeSeconds } from './payload-store.ts';
import * as upload from './upload.ts';

export interface Uploads {
  readonly payloads: PayloadStore;
  readonly clock: Clock;
}

export type Begun =
  | { readonly uploadId: string; readonly method: 'put'; readonly request: SignedRequest; readonly expiresAt: number }
  | { readonly uploadId: string; readonly method: 'multipart'; readonly partBytes: number };

/** Begins an upload: one PUT when size and digest are known and the size is at most 64 MiB, else in parts. */
export async function begin(
  { payloads, clock }: Uploads,
  { group, jobId }: JobName,
  { bytes, sha256 }: { bytes?: number | undefined; sha256?: string | undefined },
): Promise<Begun> {
  const now = clock.now();
  const payloadId = v7({ msecs: now });
  const key = upload.payloadKey(group, jobId, payloadId);
  if (bytes !== undefined && sha256 !== undefined && bytes <= maxPutBytes) {
    const request = await payloads.signPut(key, { bytes, sha256 }, now);
    return { uploadId: payloadId, method: 'put', request, expiresAt: now + urlLifetimeSeconds * 1_000 };
  }
  const multipartId = await payloads.beginParts(key);
  return {
    uploadId: upload.writeUpload({ payloadId, multipartId }),
    method: 'multipart',
    partBytes: upload.partBytes(bytes),
  };
}

/** Signs the URLs of parts. Throws `upload_expired`, or `invalid_request` for an upload that is one PUT. */
export async function signParts(
  { payloads, clock }: Uploads,
  { group, jobId }: JobName,
  uploadId: string,
  parts: readonly (Promised & { partNumber: number })[],
) {
  const now = clock.now();
  const { payloadId, multipartId } = upload.readUpload(uploadId);
  refuseExpired(uploadId, payloadId, now);
  if (multipartId === undefined) {
    const message = 'is an upload by one PUT, it has no parts';
    throw new ProblemError(invalidRequest, `Upload ${uploadId} ${message}; PUT the payload to its url.`, {
      issues: [{ path: 'uploadId', message }],
    });
  }
  const key = upload.payloadKey(group, jobId, payloadId);
  const urls = await Promise.all(
    parts.map(async ({ partNumber, ...promised }) => ({
      partNumber,
      ...(await payloads.signPart(key, multipartId, partNumber, promised, now)),
    })),
  );
  return { urls, expiresAt: now + urlLifetimeSeconds * 1_000 };
}

/** A commit's reference to the uploaded payload. */
export interface Claimed {
  readonly uploadId: string;
  readonly parts?: readonly Part[] | undefined;
  /** Of the whole, hex; must be given for an upload in parts. */
  readonly sha256?: string | undefined;
  readonly bytes?: number | undefined;
}

/**
 * Completes an upload in parts, then checks by HEAD that the payload exists, with the size and digest that were
 * promised. Throws `upload_expired`, `payload_missing`, `payload_mismatch` (with both values) or `invalid_request`;
 * nothing is deleted then.
 */
export async function completeUpload({ payloads, clock }: Uploads, name: JobName, claimed: Claimed): Promise<Payload> {
  const { uploadId, parts, sha256, bytes } = claimed;
  const { payloadId, multipartId } = upload.readUpload(uploadId);
  refuseExpired(uploadId, payloadId, clock.now());
  const key = upload.payloadKey(name.group, name.jobId, payloadId);
  let composite: string | undefined;
  if (multipartId !== undefined) {
    if (!parts || parts.length === 0 || sha256 === undefined) throw incomplete(uploadId, parts, sha256);
    const completion = await payloads.complete(key, multipartId, parts);
    if (completion.outcome === 'refused') throw refusedParts(uploadId, completion.reason);
    composite = compositeOf(parts);
  }
  const stored = await payloads.stat(key);
  if (!stored) {
    throw new ProblemError(
      payloadMissing,
      `The payload of upload ${uploadId} is not in the bucket; upload it first. Nothing was written.`,
    );
  }
  const expected = {
    bytes: bytes ?? stored.bytes,
    checksum: composite ?? (sha256 === undefined ? stored.checksum : base64(sha256)),
  };
  const whole = sha256 ?? hexOf(stored.checksum);
  if (whole === undefined || stored.bytes !== expected.bytes || stored.checksum !== expected.checksum) {
    throw mismatch(uploadId, expected, stored);
  }
  return { payloadId, bytes: stored.bytes, sha256: whole, composite, committedAt: clock.now() };
}

/**
 * A payload that came within a request goes to the bucket all the same, under this id; it is written once, however
 * often a caller repeats the request.
 */
export async function putInline(
  { payloads, clock }: Uploads,
  { group, jobId }: JobName,
  payloadId: string,
  bytes: Uint8Array,
): Promise<Payload> {
  const sha256 = createHash('sha256').update(bytes).digest('hex');
  await payloads.put(upload.payloadKey(group, jobId, payloadId), bytes, sha256);
  return { payloadId, bytes: bytes.byteLength, sha256, committedAt: clock.now() };
}

/** Whether what S3 keeps is what was committed. */
export function damageOf(payload: Payload, stored: Stored | undefined): string | undefined {
  if (!stored) return 'its payload is missing';
  if (stored.bytes !== payload.bytes) return `its payload has ${stored.bytes} bytes instead of ${payload.bytes}`;
  const checksum = payload.composite ?? base64(payload.sha256);
  if (stored.checksum === checksum) return undefined;
  return `its payload has the checksum ${stored.checksum ?? '(none)'} instead of ${checksum}`;
}

const base64 = (hex: string) => Buffer.from(hex, 'hex').toString('base64');

/** Only a checksum of the whole tells the digest of the whole. */
function hexOf(checksum: string | undefined): string | undefined {
  return checksum === undefined || checksum.includes('-') ? undefined : Buffer.from(checksum, 'base64').toString('hex');
}

/** S3's checksum over the parts' checksums. */
function compositeOf(parts: readonly Part[]): string {
  const hash = createHash('sha256');
  for (const { sha256 } of parts) hash.update(Buffer.from(sha256, 'hex'));
  return `${hash.digest('base64')}-${parts.length}`;
}

function refuseExpired(uploadId: string, payloadId: string, now: number): void {
  if (!upload.isExpired(payloadId, now)) return;
  const hours = uploadLifetimeMs / 3_600_000;
  const begun = new Date(upload.begunAt(payloadId)).toISOString();
  throw new ProblemError(
    uploadExpired,
    `Upload ${uploadId} began at ${begun}, more than ${hours} hours ago; begin a new one.`,
  );
}

function incomplete(uploadId: string, parts: readonly Part[] | undefined, sha256: string | undefined): ProblemError {
  const issues = [
    ...(parts?.length ? [] : [{ path: 'parts', message: 'must name every part of an upload in parts' }]),
    ...(sha256 === undefined
      ? [{ path: 'sha256', message: 'must be given for an upload in parts: S3 keeps none of the whole' }]
      : []),
  ];
  const said = issues.map(({ path, message }) => `${path} ${message}`).join('; ');
  return new ProblemError(invalidRequest, `Upload ${uploadId}: ${said}; nothing was written.`, { issues });
}

function refusedParts(uploadId: string, reason: string): ProblemError {
  return new ProblemError(
    payloadMismatch,
    `S3 does not take the parts of upload ${uploadId} (${reason}); upload the part again, or begin a new upload. Nothing was written.`,
    { reason },
  );
}

function mismatch(uploadId: string, promised: { bytes: number; checksum?: string | undefined }, stored: Stored) {
  const digestOf = ({ bytes, checksum }: Stored) => ({ bytes, sha256: hexOf(checksum) ?? checksum ?? null });
  const [expected, found] = [digestOf(promised), digestOf(stored)];
  return new ProblemError(
    payloadMismatch,
    `The payload of upload ${uploadId} has ${found.bytes} bytes and the SHA-256 ${found.sha256}, promised were ${expected.bytes} and ${expected.sha256}; upload it again. Nothing was written.`,
    { promised: expected, stored: found },
  );
}
