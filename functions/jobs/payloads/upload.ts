/** An upload's id: it says its age and, for one made of parts, where S3 keeps them. Pure: no SDK, no clock. */
import { createHash } from 'node:crypto';
import { v7 } from 'uuid';
import { maxParts, uploadLifetimeMs, uuidV7 } from '../../../api/upload.ts';
import { bucketPrefixes } from '../../platform/bucket-keys.ts';

const usualPartBytes = 8 * 1024 ** 2;
const mebibyte = 1024 ** 2;

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

/**
 * Requests are repeated within minutes: their ids are the same within such a window, and a repeated one looks into the
 * window before.
 */
const inlineWindowMs = 6 * 3_600_000;

/**
 * The ids of a payload that came within a request, which are the same whenever the request is repeated: the one to use
 * now, and the one that an earlier try may have used.
 */
export function inlinePayloadIds(requestId: string, now: number): { payloadId: string; otherPayloadId: string } {
  const digest = createHash('sha256').update(requestId).digest();
  const [seq, random] = [digest.readUInt32BE(16), digest.subarray(0, 16)];
  const window = Math.floor(now / inlineWindowMs) * inlineWindowMs;
  const idAt = (msecs: number) => v7({ msecs, seq, random });
  return { payloadId: idAt(window), otherPayloadId: idAt(window - inlineWindowMs) };
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

export const payloadPrefix = bucketPrefixes.payloads;

export function payloadKey(group: string, jobId: string, payloadId: string): string {
  return `${payloadPrefix}${group}/jobs/${jobId}/${payloadId}`;
}

const keyPattern = new RegExp(`^${payloadPrefix}([^/]+)/jobs/([^/]+)/(${uuidV7})$`);

/** Whose payload a key names; undefined for a key that no upload has. */
export function readPayloadKey(key: string): { group: string; jobId: string; payloadId: string } | undefined {
  const [, group, jobId, payloadId] = keyPattern.exec(key) ?? [];
  return group && jobId && payloadId ? { group, jobId, payloadId } : undefined;
}
