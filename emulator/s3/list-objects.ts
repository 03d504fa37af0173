import { invalidArgument } from './errors.ts';
import type { Answer, Context } from './handler.ts';
import { after, fromBytes, listPage, toBytes } from './key-order.ts';
import type { ObjectRecord } from './records.ts';
import type { S3Request } from './request.ts';
import { element, leaf, xmlDocument } from './xml.ts';

const MAX_PAGE = 1000;

/** ListObjectsV2. A continuation token is opaque to clients, and outranks StartAfter. */
export function listObjectsV2(request: S3Request, { store }: Context): Answer {
  const bucket = store.bucket(request.bucket);
  const { query } = request;
  const prefix = query.get('prefix') ?? '';
  const delimiter = query.get('delimiter') ?? '';
  const startAfter = query.get('start-after');
  const token = query.get('continuation-token');
  const limit = readLimit(request, 'max-keys');
  const encoding = query.get('encoding-type');
  if (encoding !== undefined && encoding !== 'url') {
    throw invalidArgument('encoding-type', encoding, 'Invalid Encoding Method specified in Request');
  }
  const encode = encoding ? urlEncode : (text: string) => text;
  const start = startAfter ? after(toBytes(startAfter)) : '';
  const page = listPage(bucket.sortedKeys, {
    prefix: toBytes(prefix),
    delimiter: toBytes(delimiter),
    from: token === undefined ? start : readToken(token),
    limit,
  });
  const isOwnerWanted = query.get('fetch-owner') === 'true';
  const contents = page.keys.map((bytes) => describe(bucket.get(fromBytes(bytes)), encode, isOwnerWanted));
  const prefixes = page.commonPrefixes.map((bytes) =>
    element('CommonPrefixes', leaf('Prefix', encode(fromBytes(bytes)))),
  );
  return {
    status: 200,
    body: xmlDocument(
      'ListBucketResult',
      leaf('Name', bucket.name),
      leaf('Prefix', encode(prefix)),
      leaf('Delimiter', delimiter === '' ? undefined : encode(delimiter)),
      leaf('StartAfter', startAfter === undefined ? undefined : encode(startAfter)),
      leaf('ContinuationToken', token),
      leaf('NextContinuationToken', page.next === undefined ? undefined : writeToken(page.next)),
      leaf('KeyCount', contents.length + prefixes.length),
      leaf('MaxKeys', limit),
      leaf('EncodingType', encoding),
      leaf('IsTruncated', page.next !== undefined),
      ...contents,
      ...prefixes,
    ),
  };
}

/** Reads a page size: 0 to 1000, larger ones mean 1000. */
export function readLimit(request: S3Request, name: string): number {
  const text = request.query.get(name);
  if (text === undefined) return MAX_PAGE;
  if (!/^\d{1,10}$/.test(text)) {
    throw invalidArgument(name, text, `Argument ${name} must be an integer between 0 and 2147483647`);
  }
  return Math.min(Number(text), MAX_PAGE);
}

/** The form of encoding-type=url: as in a query, so a space is `+`, but `/` and `*` stay. */
export function urlEncode(text: string): string {
  return encodeURIComponent(text)
    .replace(/[!'()~]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`)
    .replaceAll('%20', '+')
    .replaceAll('%2F', '/');
}

function describe(record: ObjectRecord | undefined, encode: (text: string) => string, isOwnerWanted: boolean): string {
  if (!record) return '';
  return element(
    'Contents',
    leaf('Key', encode(record.key)),
    leaf('LastModified', new Date(record.lastModified).toISOString()),
    leaf('ETag', `"${record.etag}"`),
    leaf('ChecksumAlgorithm', record.checksum?.algorithm),
    leaf('ChecksumType', record.checksum?.type),
    leaf('Size', record.size),
    leaf('StorageClass', 'STANDARD'),
    isOwnerWanted ? element('Owner', leaf('ID', 'local')) : '',
  );
}

const writeToken = (bytes: string) => Buffer.from(bytes, 'latin1').toString('base64url');

function readToken(token: string): string {
  const bytes = Buffer.from(token, 'base64url');
  if (token === '' || bytes.toString('base64url') !== token) {
    throw invalidArgument('continuation-token', token, 'The continuation token provided is incorrect');
  }
  return bytes.toString('latin1');
}
