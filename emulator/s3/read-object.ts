import { checksumHeader } from './checksums.ts';
import { weighReadCondition } from './conditions.ts';
import { describeObject } from './description.ts';
import { invalidArgument, noSuchKey, S3Error } from './errors.ts';
import type { Answer, Context } from './handler.ts';
import { type Range, readRange } from './range.ts';
import type { ObjectRecord } from './records.ts';
import type { S3Request } from './request.ts';

/** GetObject: whole, one range, or one part of a multipart object. */
export function getObject(request: S3Request, context: Context): Answer {
  const bucket = context.store.bucket(request.bucket);
  const { record, answer, range } = prepare(request, context);
  if (answer.status === 304 || record.size === 0) return answer;
  const { start, end } = range ?? { start: 0, end: record.size - 1 };
  return { ...answer, body: bucket.blobs.read(record.parts, start, end) };
}

/** HeadObject: what GetObject would answer, without the bytes. */
export function headObject(request: S3Request, context: Context): Answer {
  return prepare(request, context).answer;
}

interface Prepared {
  record: ObjectRecord;
  answer: Answer;
  range: Range | undefined;
}

function prepare(request: S3Request, context: Context): Prepared {
  const record = context.store.bucket(request.bucket).get(request.key);
  if (!record) throw noSuchKey(request.key);
  const part = request.query.get('partNumber');
  const rangeHeader = request.headers.get('range');
  if (part !== undefined && rangeHeader !== undefined) {
    throw new S3Error('InvalidRequest', 'Cannot specify both Range header and partNumber query parameter');
  }
  if (weighReadCondition(request.headers, record) === 'not modified') {
    const { etag, 'last-modified': lastModified } = describeObject(record, false);
    return { record, range: undefined, answer: { status: 304, headers: { etag, 'last-modified': lastModified } } };
  }
  const whole = { start: 0, end: record.size - 1 };
  const partRange = part === undefined ? undefined : readPart(record, part);
  const range = partRange ?? (rangeHeader === undefined ? undefined : readRange(rangeHeader, record.size));
  // A checksum of the whole says nothing about a range; a client that compared the two would refuse good bytes.
  const withChecksum = request.headers.get('x-amz-checksum-mode') === 'ENABLED';
  const { start, end } = range ?? whole;
  const headers: Record<string, string> = {
    ...describeObject(record, withChecksum && !range),
    ...(partRange && withChecksum ? partRange.checksum : {}),
    ...(partRange && isMultipart(record) ? { 'x-amz-mp-parts-count': String(record.parts.length) } : {}),
    ...(range && record.size > 0 ? { 'content-range': `bytes ${start}-${end}/${record.size}` } : {}),
    'content-length': String(end - start + 1),
    ...overrides(request.query),
  };
  return { record, range, answer: { status: range ? 206 : 200, headers } };
}

const isMultipart = (record: ObjectRecord) => record.etag.includes('-');

function readPart(record: ObjectRecord, text: string): Range & { checksum: Record<string, string> } {
  const number = Number(text);
  if (!Number.isInteger(number) || number < 1 || number > 10_000) {
    throw invalidArgument('partNumber', text, 'Part number must be an integer between 1 and 10000, inclusive');
  }
  const part = record.parts[number - 1];
  if (!part) {
    throw new S3Error('InvalidPartNumber', 'The requested partnumber is not satisfiable', {
      PartNumberRequested: text,
      ActualPartCount: String(record.parts.length),
    });
  }
  const start = record.parts.slice(0, number - 1).reduce((sum, { size }) => sum + size, 0);
  const isPartOfMany = isMultipart(record) && record.checksum && part.checksum;
  return {
    start,
    end: start + part.size - 1,
    checksum:
      isPartOfMany && record.checksum
        ? { [checksumHeader(record.checksum.algorithm)]: part.checksum?.value ?? '' }
        : {},
  };
}

/** response-content-type=… and its like replace a header of the answer. */
function overrides(query: Map<string, string>): Record<string, string> {
  return Object.fromEntries(
    [...query]
      .filter(([name]) => name.startsWith('response-'))
      .map(([name, value]) => [name.slice('response-'.length), value]),
  );
}
