import { randomUUID } from 'node:crypto';
import { receiveBody } from './body.ts';
import type { Upload } from './bucket.ts';
import { type Algorithm, type ChecksumType, checksumHeader, findChecksum, readAlgorithm } from './checksums.ts';
import { commitPart } from './commit.ts';
import { readDescription, refuseUnknownWishes, wholeSeconds } from './description.ts';
import { invalidArgument, S3Error } from './errors.ts';
import type { Answer, Context } from './handler.ts';
import type { UploadRecord } from './records.ts';
import type { S3Request } from './request.ts';
import { MAX_PUT_BYTES } from './write-object.ts';
import { leaf, xmlDocument } from './xml.ts';

/** CreateMultipartUpload. Without an algorithm the object will have no checksum. */
export function createMultipartUpload(request: S3Request, { store, now }: Context): Answer {
  const bucket = store.bucket(request.bucket);
  refuseUnknownWishes(request.headers);
  const record: UploadRecord = {
    ...readDescription(request.headers),
    ...readChecksumWish(request.headers),
    id: randomUUID(),
    key: request.key,
    initiated: wholeSeconds(now()),
  };
  bucket.addUpload(record);
  return {
    status: 200,
    headers: { 'x-amz-checksum-algorithm': record.algorithm, 'x-amz-checksum-type': record.type },
    body: xmlDocument(
      'InitiateMultipartUploadResult',
      leaf('Bucket', request.bucket),
      leaf('Key', request.key),
      leaf('UploadId', record.id),
    ),
  };
}

/** UploadPart. The same number again replaces the part. */
export async function uploadPart(request: S3Request, { store, payload, now }: Context): Promise<Answer> {
  const bucket = store.bucket(request.bucket);
  refuseUnknownWishes(request.headers);
  const upload = bucket.upload(request.query.get('uploadId') ?? '', request.key);
  const number = readPartNumber(request);
  requireMatchingAlgorithm(request, upload);
  const { algorithm } = upload.record;
  const part = await commitPart(bucket, upload, { number, lastModified: () => wholeSeconds(now()) }, (write) =>
    receiveBody(request, { payload, maxBytes: MAX_PUT_BYTES, algorithm }, write),
  );
  return {
    status: 200,
    headers: {
      etag: `"${part.md5}"`,
      ...(part.checksum && { [checksumHeader(part.checksum.algorithm)]: part.checksum.value }),
    },
  };
}

export async function abortMultipartUpload(request: S3Request, { store }: Context): Promise<Answer> {
  const bucket = store.bucket(request.bucket);
  const upload = bucket.upload(request.query.get('uploadId') ?? '', request.key);
  await bucket.blobs.remove(bucket.removeUpload(upload));
  return { status: 204 };
}

export function readPartNumber(request: S3Request): number {
  const text = request.query.get('partNumber') ?? '';
  const number = Number(text);
  if (/^\d+$/.test(text) && number >= 1 && number <= 10_000) return number;
  throw invalidArgument('partNumber', text, 'Part number must be an integer between 1 and 10000, inclusive');
}

function readChecksumWish(headers: Map<string, string>): { algorithm?: Algorithm; type?: ChecksumType } {
  const name = headers.get('x-amz-checksum-algorithm');
  const type = headers.get('x-amz-checksum-type');
  if (name === undefined) {
    if (type === undefined) return {};
    throw new S3Error(
      'InvalidRequest',
      'The x-amz-checksum-type header can only be used with the x-amz-checksum-algorithm header.',
    );
  }
  const algorithm = readAlgorithm(name);
  const usual = algorithm === 'CRC64NVME' ? 'FULL_OBJECT' : 'COMPOSITE';
  const isFull = (type ?? usual) === 'FULL_OBJECT';
  const isKnown = type === undefined || type === 'COMPOSITE' || type === 'FULL_OBJECT';
  // Only CRCs of parts can be joined into one of the whole, and a CRC64NVME is never a composite.
  if (!isKnown || (isFull && !algorithm.startsWith('CRC')) || (!isFull && algorithm === 'CRC64NVME')) {
    throw new S3Error(
      'InvalidRequest',
      `The ${type} checksum type cannot be used with the ${name.toLowerCase()} checksum algorithm.`,
    );
  }
  return { algorithm, type: isFull ? 'FULL_OBJECT' : 'COMPOSITE' };
}

/**
 * A part must have the upload's algorithm; for a checksum of the full object it may be left out. An upload without
 * algorithm takes none or CRC32, which SDKs add by themselves; S3 was seen to refuse SHA-256 there.
 */
function requireMatchingAlgorithm(request: S3Request, { record }: Upload) {
  const trailer = request.headers.get('x-amz-trailer')?.trim().toLowerCase().replace('x-amz-checksum-', '');
  const given = trailer ? readAlgorithm(trailer) : findChecksum(request.headers)?.algorithm;
  if (given === record.algorithm) return;
  if (given === undefined && record.type === 'FULL_OBJECT') return;
  if (given === 'CRC32' && record.algorithm === undefined) return;
  const name = (algorithm: string | undefined) => algorithm?.toLowerCase() ?? 'null';
  throw new S3Error(
    'InvalidRequest',
    `Checksum Type mismatch occurred, expected checksum Type: ${name(record.algorithm)}, actual checksum Type: ${name(given)}`,
  );
}
