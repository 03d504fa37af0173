import type { Answer, Context } from './handler.ts';
import type { S3Request } from './request.ts';
import { element, leaf, xmlDocument } from './xml.ts';

const REGION = 'us-east-1';

export function listBuckets(_request: S3Request, { store }: Context): Answer {
  const buckets = store.buckets.map(({ name, createdAt }) =>
    element('Bucket', leaf('Name', name), leaf('CreationDate', new Date(createdAt).toISOString())),
  );
  const owner = element('Owner', leaf('ID', 'local'));
  return { status: 200, body: xmlDocument('ListAllMyBucketsResult', owner, element('Buckets', ...buckets)) };
}

export function createBucket(request: S3Request, { store, now }: Context): Answer {
  store.createBucket(request.bucket, now());
  return { status: 200, headers: { location: `/${request.bucket}` } };
}

export function headBucket(request: S3Request, { store }: Context): Answer {
  store.bucket(request.bucket);
  return { status: 200, headers: { 'x-amz-bucket-region': REGION } };
}

export async function deleteBucket(request: S3Request, { store }: Context): Promise<Answer> {
  await store.deleteBucket(request.bucket);
  return { status: 204 };
}

/** Empty for us-east-1, as in S3. */
export function getBucketLocation(request: S3Request, { store }: Context): Answer {
  store.bucket(request.bucket);
  return { status: 200, body: xmlDocument('LocationConstraint') };
}
