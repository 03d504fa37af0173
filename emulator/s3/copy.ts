import type { Readable } from 'node:stream';
import type { Bucket } from './bucket.ts';
import { type Algorithm, checksumElement, readAlgorithm } from './checksums.ts';
import { commitObject, commitPart, receiveStored } from './commit.ts';
import { readWriteCondition, weighReadCondition } from './conditions.ts';
import { readDescription, refuseUnknownWishes, wholeSeconds } from './description.ts';
import { invalidArgument, noSuchKey, preconditionFailed, S3Error } from './errors.ts';
import type { Answer, Context } from './handler.ts';
import { readPartNumber } from './multipart.ts';
import type { Range } from './range.ts';
import type { Description, ObjectRecord } from './records.ts';
import type { S3Request } from './request.ts';
import type { Store } from './store.ts';
import { MAX_PUT_BYTES } from './write-object.ts';
import { leaf, xmlDocument } from './xml.ts';

const COPY_SOURCE = 'x-amz-copy-source';

/**
 * CopyObject, of up to 5 GiB. The copy's checksum is of the whole object, with the source's algorithm unless another is
 * asked for, and its ETag is a plain MD5, also when the source came in parts.
 */
export async function copyObject(request: S3Request, { store, now }: Context): Promise<Answer> {
  const bucket = store.bucket(request.bucket);
  refuseUnknownWishes(request.headers);
  const source = readSource(request, store);
  requireCopySize(source.record.size);
  const wanted = request.headers.get('x-amz-checksum-algorithm');
  const algorithm = wanted === undefined ? source.record.checksum?.algorithm : readAlgorithm(wanted);
  const about = { ...describeCopy(request, source), key: request.key, lastModified: () => wholeSeconds(now()) };
  const condition = readWriteCondition(request.headers);
  const whole = { start: 0, end: source.record.size - 1 };
  const record = await reading(source, whole, (bytes) =>
    commitObject(bucket, about, condition, (write) => receiveStored(bytes, algorithm, write)),
  );
  return {
    status: 200,
    body: xmlDocument(
      'CopyObjectResult',
      copyResult(record.etag, record.lastModified, algorithm, record.checksum?.value),
      leaf('ChecksumType', record.checksum?.type),
    ),
  };
}

/** UploadPartCopy: a part from an object, or from a range of one, of up to 5 GiB. */
export async function uploadPartCopy(request: S3Request, { store, now }: Context): Promise<Answer> {
  const bucket = store.bucket(request.bucket);
  refuseUnknownWishes(request.headers);
  const upload = bucket.upload(request.query.get('uploadId') ?? '', request.key);
  const number = readPartNumber(request);
  const source = readSource(request, store);
  const range = readSourceRange(request.headers.get(`${COPY_SOURCE}-range`), source.record.size);
  requireCopySize(range.end - range.start + 1);
  const { algorithm } = upload.record;
  const about = { number, lastModified: () => wholeSeconds(now()) };
  const part = await reading(source, range, (bytes) =>
    commitPart(bucket, upload, about, (write) => receiveStored(bytes, algorithm, write)),
  );
  return {
    status: 200,
    body: xmlDocument('CopyPartResult', copyResult(part.md5, part.lastModified, algorithm, part.checksum?.value)),
  };
}

function copyResult(
  etag: string,
  lastModified: number,
  algorithm: Algorithm | undefined,
  checksum: string | undefined,
) {
  return [
    leaf('ETag', `"${etag}"`),
    leaf('LastModified', new Date(lastModified).toISOString()),
    algorithm ? leaf(checksumElement(algorithm), checksum) : '',
  ].join('');
}

interface Source {
  bucket: Bucket;
  record: ObjectRecord;
}

/** Finds the object that x-amz-copy-source names, and weighs the x-amz-copy-source-if-* conditions against it. */
function readSource(request: S3Request, store: Store): Source {
  const header = request.headers.get(COPY_SOURCE) ?? '';
  const [path = '', version] = header.split('?versionId=');
  if (version !== undefined && version !== 'null') {
    throw new S3Error('NotImplemented', 'Versions of objects are not kept here', { Header: COPY_SOURCE });
  }
  const [, name, key] = /^\/?([^/]+)\/(.+)$/s.exec(decodeSource(path)) ?? [];
  if (name === undefined || key === undefined) {
    throw invalidArgument(
      COPY_SOURCE,
      header,
      'Copy Source must mention the source bucket and key: sourcebucket/sourcekey',
    );
  }
  const bucket = store.bucket(name);
  const record = bucket.get(key);
  if (!record) throw noSuchKey(key);
  if (weighReadCondition(request.headers, record, `${COPY_SOURCE}-`) === 'not modified') {
    throw preconditionFailed(`${COPY_SOURCE}-If-None-Match`);
  }
  return { bucket, record };
}

function decodeSource(path: string): string {
  try {
    return decodeURIComponent(path.replaceAll('+', ' '));
  } catch {
    throw invalidArgument(COPY_SOURCE, path, 'The copy source is not percent-encoded UTF-8');
  }
}

/** Holds on to the source's bytes from this moment until the work is done. */
async function reading<T>(source: Source, range: Range, work: (bytes: Readable) => Promise<T>): Promise<T> {
  const bytes = source.bucket.blobs.read(source.record.parts, range.start, range.end);
  try {
    return await work(bytes);
  } finally {
    bytes.destroy();
  }
}

function describeCopy(request: S3Request, source: Source): Description {
  const own = readDescription(request.headers);
  const { record } = source;
  const tags = directiveOf(request, 'x-amz-tagging-directive') === 'REPLACE' ? own.tags : record.tags;
  if (directiveOf(request, 'x-amz-metadata-directive') === 'REPLACE') return { ...own, tags };
  if (source.bucket.name === request.bucket && record.key === request.key) {
    throw new S3Error(
      'InvalidRequest',
      "This copy request is illegal because it is trying to copy an object to itself without changing the object's metadata.",
    );
  }
  return { headers: record.headers, metadata: record.metadata, tags };
}

function directiveOf(request: S3Request, name: string): 'COPY' | 'REPLACE' {
  const value = request.headers.get(name) ?? 'COPY';
  if (value === 'COPY' || value === 'REPLACE') return value;
  throw invalidArgument(name, value, 'Unknown directive: COPY and REPLACE are known');
}

/** Unlike the Range of a GET, this one must lie within the source. */
function readSourceRange(header: string | undefined, size: number): Range {
  if (header === undefined) return { start: 0, end: size - 1 };
  const [, first, last] = /^bytes=(\d+)-(\d+)$/.exec(header) ?? [];
  const range = { start: Number(first), end: Number(last) };
  if (range.start <= range.end && range.end < size) return range;
  throw invalidArgument(
    `${COPY_SOURCE}-range`,
    header,
    `The range specified is not valid for source object of size: ${size}; the form is bytes=first-last`,
  );
}

function requireCopySize(size: number) {
  if (size <= MAX_PUT_BYTES) return;
  throw new S3Error(
    'InvalidRequest',
    `The specified copy source is larger than the maximum allowable size for a copy source: ${MAX_PUT_BYTES}`,
  );
}
