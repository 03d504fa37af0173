/** What an upload is: its id says its age and, for one made of parts, where S3 keeps them. Pure: no SDK, no clock. */
import * as z from 'zod/mini';

/** The longest that one PUT may be, bytes. */
export const maxPutBytes = 64 * 1024 ** 2;
export const maxPayloadBytes = 5 * 1024 ** 4;
export const maxParts = 10_000;
/** S3's limits of one part, bytes; the last one may be smaller. */
export const minPartBytes = 5 * 1024 ** 2;
export const maxPartBytes = 5 * 1024 ** 3;
/** An upload can be committed for so long; the orphan collector waits longer. */
export const uploadLifetimeMs = 12 * 3_600_000;

const usualPartBytes = 8 * 1024 ** 2;
const mebibyte = 1024 ** 2;

const uuidV7 = '[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}';

/** A UUID v7; for an upload in parts followed by S3's own id of it, so that no server has to remember it. */
export const uploadId = z
  .string()
  .check(
    z.maxLength(1_500),
    z.regex(new RegExp(`^${uuidV7}(\\.[A-Za-z0-9_-]{2,})?$`), 'must be an upload id as the uploads route answered it'),
  );

export interface Upload {
  /** The UUID v7: the last part of the payload's key. */
  readonly payloadId: string;
  /** S3's id of an upload in parts; undefined for one PUT. */
  readonly multipartId?: string | undefined;
}

export function readUpload(id: string): Upload {
  const [payloadId = '', multipart] = id.split('.');
  return { payloadId, multipartId: multipart && Buffer.from(multipart, 'base64url').toString('utf8') };
}

export function writeUpload({ payloadId, multipartId }: Upload): string {
  return multipartId ? `${payloadId}.${Buffer.from(multipartId, 'utf8').toString('base64url')}` : payloadId;
}

/** When the upload began, epoch ms: the first 48 bits of a UUID v7. */
export function begunAt(payloadId: string): number {
  return Number.parseInt(payloadId.slice(0, 8) + payloadId.slice(9, 13), 16);
}

export function isExpired(payloadId: string, now: number): boolean {
  return begunAt(payloadId) + uploadLifetimeMs < now;
}

/** The parts of a payload of known size fit into S3's 10,000; those of unknown size may grow as they go. */
export function partBytes(bytes: number | undefined): number {
  if (bytes === undefined) return usualPartBytes;
  return Math.max(usualPartBytes, Math.ceil(bytes / maxParts / mebibyte) * mebibyte);
}

export const payloadPrefix = 'groups/';

export function payloadKey(group: string, jobId: string, payloadId: string): string {
  return `${payloadPrefix}${group}/jobs/${jobId}/${payloadId}`;
}

const keyPattern = new RegExp(`^${payloadPrefix}([^/]+)/jobs/([^/]+)/(${uuidV7})$`);

/** Whose payload a key names; undefined for a key that no upload has. */
export function readPayloadKey(key: string): { group: string; jobId: string; payloadId: string } | undefined {
  const [, group, jobId, payloadId] = keyPattern.exec(key) ?? [];
  return group && jobId && payloadId ? { group, jobId, payloadId } : undefined;
}
