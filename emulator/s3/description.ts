import { checksumHeader } from './checksums.ts';
import { invalidArgument, S3Error } from './errors.ts';
import type { Description, ObjectRecord } from './records.ts';

const KEPT_HEADERS = [
  'cache-control',
  'content-disposition',
  'content-encoding',
  'content-language',
  'content-type',
  'expires',
];
const META = 'x-amz-meta-';
const MAX_METADATA_BYTES = 2048;
const MAX_TAGS = 10;

/** An unsupported header that would change the meaning of a write must not be ignored. */
const REFUSED = /^x-amz-(server-side-encryption-customer-|object-lock-|write-offset-bytes|grant-|if-match-)/;

/** Reads what a PUT, copy or new upload says about its object. */
export function readDescription(headers: Map<string, string>): Description {
  const kept: Record<string, string> = {};
  const metadata: Record<string, string> = {};
  for (const [name, value] of headers) {
    if (KEPT_HEADERS.includes(name)) kept[name] = value;
    else if (name.startsWith(META)) metadata[name.slice(META.length)] = value;
  }
  // aws-chunked is how the body travels, not what it is.
  const encoding = withoutChunked(kept['content-encoding']);
  if (encoding) kept['content-encoding'] = encoding;
  else delete kept['content-encoding'];
  const bytes = Object.entries(metadata).reduce((sum, pair) => sum + Buffer.byteLength(pair.join('')), 0);
  if (bytes > MAX_METADATA_BYTES) {
    throw new S3Error('MetadataTooLarge', 'Your metadata headers exceed the maximum allowed metadata size', {
      Size: String(bytes),
      MaxSizeAllowed: String(MAX_METADATA_BYTES),
    });
  }
  return { headers: kept, metadata, tags: readTagHeader(headers.get('x-amz-tagging')) };
}

/** Throws NotImplemented when a header asks for something that this server does not do. */
export function refuseUnknownWishes(headers: Map<string, string>) {
  const refused = [...headers.keys()].find((name) => REFUSED.test(name));
  if (refused) {
    throw new S3Error('NotImplemented', 'A header you provided implies functionality that is not implemented', {
      Header: refused,
    });
  }
}

/** The headers of a GET or HEAD answer, without length and range. */
export function describeObject(record: ObjectRecord, withChecksum: boolean): Record<string, string> {
  const metadata = Object.entries(record.metadata).map(([name, value]) => [META + name, value]);
  const tags = Object.keys(record.tags).length;
  return {
    'content-type': 'binary/octet-stream',
    ...record.headers,
    ...Object.fromEntries(metadata),
    ...(tags > 0 ? { 'x-amz-tagging-count': String(tags) } : {}),
    ...(withChecksum ? checksumHeaders(record) : {}),
    etag: `"${record.etag}"`,
    'last-modified': new Date(record.lastModified).toUTCString(),
    'accept-ranges': 'bytes',
  };
}

export function checksumHeaders({ checksum }: Pick<ObjectRecord, 'checksum'>): Record<string, string> {
  return checksum ? { [checksumHeader(checksum.algorithm)]: checksum.value, 'x-amz-checksum-type': checksum.type } : {};
}

/** Times in S3's answers are whole seconds. */
export const wholeSeconds = (now: number) => Math.floor(now / 1000) * 1000;

/** Of keys and values of tags, in all services. */
const allowedInTags = /^[\p{L}\p{Z}\p{N}_.:/=+\-@]*$/u;

/** Throws InvalidTag for more than 10 tags, lengths beyond 128 and 256 characters, or characters that none may have. */
export function checkTags(tags: [string, string][]): Record<string, string> {
  const unfit = tags.find(
    ([name, value]) =>
      name === '' || name.length > 128 || value.length > 256 || !allowedInTags.test(name) || !allowedInTags.test(value),
  );
  if (unfit)
    throw new S3Error('InvalidTag', 'The TagKey or TagValue you have provided is invalid', { TagKey: unfit[0] });
  if (tags.length > MAX_TAGS) throw new S3Error('InvalidTag', `Object tags cannot be greater than ${MAX_TAGS}`);
  const names = new Set(tags.map(([name]) => name));
  if (names.size < tags.length) throw new S3Error('InvalidTag', 'Cannot provide multiple Tags with the same key');
  return Object.fromEntries(tags);
}

function readTagHeader(header: string | undefined): Record<string, string> {
  if (header === undefined) return {};
  try {
    return checkTags([...new URLSearchParams(header)]);
  } catch (cause) {
    if (!(cause instanceof S3Error)) throw cause;
    throw invalidArgument('x-amz-tagging', header, cause.message);
  }
}

function withoutChunked(encoding: string | undefined): string {
  return (encoding ?? '')
    .split(',')
    .map((one) => one.trim())
    .filter((one) => one !== '' && one !== 'aws-chunked')
    .join(',');
}
