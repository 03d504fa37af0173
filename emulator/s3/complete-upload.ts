import { createHash } from 'node:crypto';
import * as z from 'zod';
import { readDocument } from './body.ts';
import type { Bucket, Upload } from './bucket.ts';
import { type Checksum, checksumElement, checksumHeader, compositeOf, findChecksum } from './checksums.ts';
import { receiveStored } from './commit.ts';
import { readWriteCondition } from './conditions.ts';
import { wholeSeconds } from './description.ts';
import { S3Error } from './errors.ts';
import type { Answer, Context } from './handler.ts';
import type { ObjectRecord, PartRecord } from './records.ts';
import type { S3Request } from './request.ts';
import { leaf, many, readXml, xmlDocument } from './xml.ts';

const MIN_PART_BYTES = 5 * 1024 ** 2;

const namedPart = z.looseObject({ PartNumber: z.coerce.number().int(), ETag: z.string() });
const completion = z.object({ Part: many(namedPart) });

type NamedPart = z.infer<typeof namedPart>;

/**
 * CompleteMultipartUpload: the named parts become the object at once, without copying. A condition that is lost leaves
 * the upload as it was. Repeated after it succeeded it answers NoSuchUpload, as S3's reference says.
 */
export async function completeMultipartUpload(request: S3Request, { store, payload, now }: Context): Promise<Answer> {
  const bucket = store.bucket(request.bucket);
  const condition = readWriteCondition(request.headers);
  return bucket.runGuarded(request.key, condition, async (guard) => {
    // Checksum headers are the object's here, not the document's.
    const { text } = await readDocument(request, payload, { ignoreChecksumHeaders: true });
    const named = readXml(text, 'CompleteMultipartUpload', completion).Part;
    const upload = bucket.upload(request.query.get('uploadId') ?? '', request.key);
    const parts = selectParts(upload, named);
    const record = await assemble(bucket, upload, parts, wholeSeconds(now()));
    requireObject(request, record);
    // The checksum may have taken a while: the upload must still be the one that was looked at.
    selectParts(bucket.upload(upload.record.id, request.key), named);
    const replaced = bucket.put(record, condition, guard);
    const kept = new Set(parts.map(({ blob }) => blob));
    const unused = bucket.removeUpload(upload).filter((blob) => !kept.has(blob));
    await bucket.blobs.remove([...replaced, ...unused]);
    return { status: 200, body: describeResult(request, record) };
  });
}

/** Throws InvalidPartOrder, InvalidPart or EntityTooSmall unless the named parts, in order, can become an object. */
function selectParts(upload: Upload, named: NamedPart[]): PartRecord[] {
  const { algorithm, type } = upload.record;
  if (named.length === 0) throw new S3Error('MalformedXML', 'You must specify at least one part');
  if (named.some(({ PartNumber }, i) => PartNumber <= (named[i - 1]?.PartNumber ?? 0))) {
    throw new S3Error(
      'InvalidPartOrder',
      'The list of parts was not in ascending order. Parts must be ordered by part number.',
    );
  }
  const parts = named.map((wanted, i) => {
    const part = upload.parts.get(wanted.PartNumber);
    const { algorithm: partAlgorithm = algorithm, value } = part?.checksum ?? {};
    const checksum = partAlgorithm && wanted[checksumElement(partAlgorithm)];
    // A checksum that an SDK put on a part by itself must be repeated here, or the part counts as unknown.
    const mayBeLeftOut = algorithm !== undefined || value === undefined;
    const hasChecksum = checksum === value || (checksum === undefined && mayBeLeftOut);
    if (!part || part.md5 !== wanted.ETag.replaceAll('"', '') || !hasChecksum) {
      throw new S3Error(
        'InvalidPart',
        "One or more of the specified parts could not be found. The part may not have been uploaded, or the specified entity tag may not match the part's entity tag.",
        { UploadId: upload.record.id, PartNumber: String(wanted.PartNumber), ETag: wanted.ETag },
      );
    }
    if (type === 'COMPOSITE' && !checksum) {
      throw new S3Error(
        'InvalidRequest',
        `The upload was created using a ${algorithm?.toLowerCase()} checksum. The complete request must include the checksum for each part. It was missing for part ${wanted.PartNumber} in the request.`,
      );
    }
    if (type === 'COMPOSITE' && wanted.PartNumber !== i + 1) {
      throw new S3Error(
        'InvalidPartOrder',
        `With a composite checksum the parts must be numbered 1, 2, 3 …; ${wanted.PartNumber} is at place ${i + 1}`,
      );
    }
    return part;
  });
  const small = parts.slice(0, -1).find(({ size }) => size < MIN_PART_BYTES);
  if (small) {
    throw new S3Error('EntityTooSmall', 'Your proposed upload is smaller than the minimum allowed size', {
      ProposedSize: String(small.size),
      MinSizeAllowed: String(MIN_PART_BYTES),
      PartNumber: String(small.number),
      ETag: small.md5,
    });
  }
  return parts;
}

async function assemble(
  bucket: Bucket,
  upload: Upload,
  parts: PartRecord[],
  lastModified: number,
): Promise<ObjectRecord> {
  const { headers, metadata, tags, key } = upload.record;
  const md5s = parts.map(({ md5 }) => Buffer.from(md5, 'hex'));
  const checksum = await checksumOf(bucket, upload, parts);
  return {
    headers,
    metadata,
    tags,
    key,
    size: parts.reduce((sum, { size }) => sum + size, 0),
    etag: `${createHash('md5').update(Buffer.concat(md5s)).digest('hex')}-${parts.length}`,
    lastModified,
    ...(checksum && { checksum }),
    parts,
  };
}

async function checksumOf(bucket: Bucket, upload: Upload, parts: PartRecord[]): Promise<Checksum | undefined> {
  const { algorithm, type } = upload.record;
  if (!algorithm || !type) return undefined;
  if (type === 'COMPOSITE') {
    return {
      algorithm,
      type,
      value: await compositeOf(
        algorithm,
        parts.map(({ checksum }) => checksum?.value ?? ''),
      ),
    };
  }
  const last = parts.reduce((sum, { size }) => sum + size, 0) - 1;
  const { checksum } = await receiveStored(bucket.blobs.read(parts, 0, last), algorithm, async () => {});
  return checksum && { algorithm, type, value: checksum.value };
}

/** Throws when the object is not what the request says of it as a whole. */
function requireObject(request: S3Request, { size, checksum }: ObjectRecord) {
  const wantedSize = request.headers.get('x-amz-mp-object-size');
  if (wantedSize !== undefined && wantedSize !== String(size)) {
    throw new S3Error(
      'InvalidRequest',
      `The provided 'x-amz-mp-object-size' header value ${wantedSize} does not match what was computed: ${size}`,
    );
  }
  const wantedType = request.headers.get('x-amz-checksum-type');
  if (wantedType !== undefined && wantedType !== checksum?.type) {
    throw new S3Error(
      'InvalidRequest',
      `The upload was created using the ${checksum?.type ?? 'null'} checksum mode. The complete request must use the same checksum mode.`,
    );
  }
  const wanted = findChecksum(request.headers);
  if (!wanted) return;
  const computed = checksum?.algorithm === wanted.algorithm ? checksum.value : undefined;
  if (computed !== wanted.value && computed?.replace(/-\d+$/, '') !== wanted.value) {
    throw new S3Error(
      'BadDigest',
      `The ${checksumHeader(wanted.algorithm)} you specified did not match the calculated checksum.`,
      {
        ExpectedDigest: wanted.value,
        CalculatedDigest: computed ?? 'none',
      },
    );
  }
}

function describeResult(request: S3Request, { etag, checksum }: ObjectRecord): string {
  return xmlDocument(
    'CompleteMultipartUploadResult',
    leaf('Location', `http://${request.headers.get('host')}/${request.bucket}/${encodeURIComponent(request.key)}`),
    leaf('Bucket', request.bucket),
    leaf('Key', request.key),
    leaf('ETag', `"${etag}"`),
    checksum ? leaf(checksumElement(checksum.algorithm), checksum.value) : '',
    leaf('ChecksumType', checksum?.type),
  );
}
