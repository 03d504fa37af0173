import { v7 } from 'uuid';
import { expect, test } from 'vitest';
import * as limits from '../../../api/upload.ts';
import * as upload from '../../../functions/jobs/payloads/upload.ts';

test('an upload id tells when it began, and where S3 keeps its parts', () => {
  const payloadId = v7({ msecs: 1_800_000_000_123 });
  expect(upload.begunAt(payloadId)).toBe(1_800_000_000_123);
  expect(upload.readUpload(upload.writeUpload({ payloadId }))).toEqual({ payloadId, multipartId: undefined });
  const multipartId = 'ibZBv_75gd9r8lH_gqXatLdxMVpAlj6ewuP__CYl.q3nvo7==/é';
  const uploadId = upload.writeUpload({ payloadId, multipartId });
  expect(limits.uploadId.parse(uploadId)).toBe(uploadId);
  expect(upload.readUpload(uploadId)).toEqual({ payloadId, multipartId });
});

test('an upload expires 12 hours after it began, not at that very moment', () => {
  const payloadId = v7({ msecs: 1_000_000 });
  expect(upload.isExpired(payloadId, 1_000_000 + 12 * 3_600_000)).toBe(false);
  expect(upload.isExpired(payloadId, 1_000_000 + 12 * 3_600_000 + 1)).toBe(true);
});

test.each([
  '',
  '..',
  '../x',
  'a/b',
  'latest',
  '0190b6c0-0000-4000-8000-000000000000',
  '0190b6c0-0000-7000-8000-000000000000.A',
])('%o is no upload id', (id) => {
  expect(limits.uploadId.safeParse(id).success).toBe(false);
});

test('10,000 parts are enough for every size up to 5 TiB, and none is below what S3 takes', () => {
  for (const bytes of [0, 1, 8 * 1024 ** 2, 80 * 1024 ** 3, 1024 ** 4, limits.maxPayloadBytes]) {
    const part = upload.partBytes(bytes);
    expect(part * limits.maxParts).toBeGreaterThanOrEqual(bytes);
    expect(part).toBeGreaterThanOrEqual(limits.minPartBytes);
    expect(part).toBeLessThanOrEqual(limits.maxPartBytes);
  }
});

test('a key names its group, job and payload, and nothing else is one', () => {
  const payloadId = v7();
  const key = upload.payloadKey('orders', 'nightly', payloadId);
  expect(upload.readPayloadKey(key)).toEqual({ group: 'orders', jobId: 'nightly', payloadId });
  for (const other of ['groups/orders/jobs/nightly/readme', `groups/orders/${payloadId}`, `${key}/x`, `x/${key}`])
    expect(upload.readPayloadKey(other)).toBeUndefined();
});
