import { createBucket, deleteBucket, getBucketLocation, headBucket, listBuckets } from './buckets.ts';
import { completeMultipartUpload } from './complete-upload.ts';
import { copyObject, uploadPartCopy } from './copy.ts';
import { deleteObjects } from './delete-objects.ts';
import { S3Error } from './errors.ts';
import type { Handler } from './handler.ts';
import { listObjectsV2 } from './list-objects.ts';
import { listMultipartUploads, listParts } from './list-uploads.ts';
import { abortMultipartUpload, createMultipartUpload, uploadPart } from './multipart.ts';
import { getObject, headObject } from './read-object.ts';
import type { S3Request } from './request.ts';
import { deleteObject, deleteObjectTagging, getObjectTagging, putObject, putObjectTagging } from './write-object.ts';

export interface Operation {
  name: string;
  handler: Handler;
  /** `METHOD service|bucket|object`, and ` copy` when x-amz-copy-source must be there. */
  target: string;
  /** Query names that must be there. */
  needs: string[];
  /** Query names that may be there. Any other is a sub-resource that is not implemented. */
  takes: string[];
}

const operation = (name: string, handler: Handler, target: string, needs: string[] = [], takes: string[] = []) =>
  ({ name, handler, target, needs, takes }) satisfies Operation;

const LIST = ['prefix', 'delimiter', 'max-keys', 'encoding-type', 'start-after', 'continuation-token', 'fetch-owner'];
const UPLOADS = ['prefix', 'max-uploads', 'encoding-type', 'key-marker', 'upload-id-marker'];
const PART = ['partNumber', 'uploadId'];

const operations: Operation[] = [
  operation('ListBuckets', listBuckets, 'GET service'),
  operation('CreateBucket', createBucket, 'PUT bucket'),
  operation('HeadBucket', headBucket, 'HEAD bucket'),
  operation('DeleteBucket', deleteBucket, 'DELETE bucket'),
  operation('GetBucketLocation', getBucketLocation, 'GET bucket', ['location']),
  operation('ListObjectsV2', listObjectsV2, 'GET bucket', ['list-type'], LIST),
  operation('ListMultipartUploads', listMultipartUploads, 'GET bucket', ['uploads'], UPLOADS),
  operation('DeleteObjects', deleteObjects, 'POST bucket', ['delete']),
  operation('PutObject', putObject, 'PUT object'),
  operation('CopyObject', copyObject, 'PUT object copy'),
  operation('GetObject', getObject, 'GET object', [], ['partNumber']),
  operation('HeadObject', headObject, 'HEAD object', [], ['partNumber']),
  operation('DeleteObject', deleteObject, 'DELETE object'),
  operation('PutObjectTagging', putObjectTagging, 'PUT object', ['tagging']),
  operation('GetObjectTagging', getObjectTagging, 'GET object', ['tagging']),
  operation('DeleteObjectTagging', deleteObjectTagging, 'DELETE object', ['tagging']),
  operation('CreateMultipartUpload', createMultipartUpload, 'POST object', ['uploads']),
  operation('UploadPart', uploadPart, 'PUT object', PART),
  operation('UploadPartCopy', uploadPartCopy, 'PUT object copy', PART),
  operation('CompleteMultipartUpload', completeMultipartUpload, 'POST object', ['uploadId']),
  operation('AbortMultipartUpload', abortMultipartUpload, 'DELETE object', ['uploadId']),
  operation('ListParts', listParts, 'GET object', ['uploadId'], ['max-parts', 'part-number-marker']),
];

/**
 * Finds what a request asks for. Throws NotImplemented for a sub-resource that is not known here: taken for a plain
 * PUT, a `?acl` or `?tagging` would overwrite the object with its document.
 */
export function findOperation(request: S3Request): Operation {
  const names = [...request.query.keys()].filter((name) => !isAside(name));
  if (request.query.has('x-amz-copy-source')) throw notImplemented('x-amz-copy-source in the query');
  const level = request.bucket === '' ? 'service' : request.key === '' ? 'bucket' : 'object';
  const copy = request.headers.has('x-amz-copy-source') ? ' copy' : '';
  const target = `${request.method} ${level}${copy}`;
  const found = operations.find(
    (one) =>
      one.target === target &&
      one.needs.every((name) => names.includes(name)) &&
      names.every((name) => one.needs.includes(name) || one.takes.includes(name)),
  );
  if (found) return found;
  if (names.length > 0 || copy || level === 'bucket') throw notImplemented(`${target} ?${names.join('&')}`);
  throw new S3Error('MethodNotAllowed', 'The specified method is not allowed against this resource.', {
    Method: request.method,
  });
}

/** The signature, and what a presigner or an SDK adds, is not about which operation it is. */
const isAside = (name: string) => /^(x-amz-|response-)/i.test(name) || name === 'x-id';

const notImplemented = (what: string) =>
  new S3Error('NotImplemented', `This S3 server does not implement ${what}`, { Header: what });
