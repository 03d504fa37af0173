import { checksumElement } from './checksums.ts';
import { invalidArgument } from './errors.ts';
import type { Answer, Context } from './handler.ts';
import { toBytes } from './key-order.ts';
import { readLimit, urlEncode } from './list-objects.ts';
import type { S3Request } from './request.ts';
import { element, leaf, xmlDocument } from './xml.ts';

/** ListParts, by number, in pages of up to 1000. */
export function listParts(request: S3Request, { store }: Context): Answer {
  const { record, parts } = store.bucket(request.bucket).upload(request.query.get('uploadId') ?? '', request.key);
  const marker = Number(request.query.get('part-number-marker') ?? 0);
  const limit = readLimit(request, 'max-parts');
  const rest = [...parts.values()].filter(({ number }) => number > marker).sort((a, b) => a.number - b.number);
  const page = rest.slice(0, limit);
  const items = page.map((part) =>
    element(
      'Part',
      leaf('PartNumber', part.number),
      leaf('LastModified', new Date(part.lastModified).toISOString()),
      leaf('ETag', `"${part.md5}"`),
      leaf('Size', part.size),
      part.checksum ? leaf(checksumElement(part.checksum.algorithm), part.checksum.value) : '',
    ),
  );
  return {
    status: 200,
    body: xmlDocument(
      'ListPartsResult',
      leaf('Bucket', request.bucket),
      leaf('Key', request.key),
      leaf('UploadId', record.id),
      leaf('PartNumberMarker', marker),
      leaf('NextPartNumberMarker', page.at(-1)?.number),
      leaf('MaxParts', limit),
      leaf('IsTruncated', page.length < rest.length),
      leaf('ChecksumAlgorithm', record.algorithm),
      leaf('ChecksumType', record.type),
      leaf('StorageClass', 'STANDARD'),
      ...items,
    ),
  };
}

/** ListMultipartUploads, by key and then by time, in pages of up to 1000; without delimiter. */
export function listMultipartUploads(request: S3Request, { store }: Context): Answer {
  const { query } = request;
  const prefix = query.get('prefix') ?? '';
  const keyMarker = query.get('key-marker') ?? '';
  const idMarker = query.get('upload-id-marker') ?? '';
  const limit = readLimit(request, 'max-uploads');
  const encoding = query.get('encoding-type');
  if (encoding !== undefined && encoding !== 'url') {
    throw invalidArgument('encoding-type', encoding, 'Invalid Encoding Method specified in Request');
  }
  const encode = encoding ? urlEncode : (text: string) => text;
  const sorted = [...store.bucket(request.bucket).uploads.values()]
    .map(({ record }) => ({ ...record, place: toBytes(record.key) }))
    .filter(({ key }) => key.startsWith(prefix))
    .sort((a, b) => compare(a.place, b.place) || a.initiated - b.initiated || compare(a.id, b.id));
  const marked = sorted.findIndex(({ key, id }) => key === keyMarker && id === idMarker);
  const rest = marked >= 0 ? sorted.slice(marked + 1) : sorted.filter(({ place }) => place > toBytes(keyMarker));
  const page = rest.slice(0, limit);
  const isTruncated = page.length < rest.length;
  const items = page.map((upload) =>
    element(
      'Upload',
      leaf('Key', encode(upload.key)),
      leaf('UploadId', upload.id),
      leaf('Initiated', new Date(upload.initiated).toISOString()),
      leaf('ChecksumAlgorithm', upload.algorithm),
      leaf('ChecksumType', upload.type),
      leaf('StorageClass', 'STANDARD'),
    ),
  );
  return {
    status: 200,
    body: xmlDocument(
      'ListMultipartUploadsResult',
      leaf('Bucket', request.bucket),
      leaf('Prefix', encode(prefix)),
      leaf('KeyMarker', encode(keyMarker)),
      leaf('UploadIdMarker', idMarker),
      leaf('NextKeyMarker', isTruncated ? encode(page.at(-1)?.key ?? '') : undefined),
      leaf('NextUploadIdMarker', isTruncated ? page.at(-1)?.id : undefined),
      leaf('EncodingType', encoding),
      leaf('MaxUploads', limit),
      leaf('IsTruncated', isTruncated),
      ...items,
    ),
  };
}

function compare(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}
