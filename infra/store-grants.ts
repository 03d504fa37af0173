/** Rights of functions in the stores, by purpose. */
import { bucketPrefixes } from '../functions/platform/bucket-keys.ts';
import type { TenureFunction } from './tenure-function.ts';
import type { TenureStore } from './tenure-store.ts';

const { payloads, archives, uploadedBackups } = bucketPrefixes;

const items = ['dynamodb:GetItem', 'dynamodb:Query', 'dynamodb:PutItem', 'dynamodb:UpdateItem'];

/** Keeps records of backups, restores and workers in the main table. */
export function keepRecords(one: TenureFunction, { table }: TenureStore): void {
  one.allow(items, table.tableArn);
}

/** Lists groups, or what waits for a sweep. */
export function listGroups(one: TenureFunction, { groupsIndexArn }: TenureStore): void {
  one.allow(['dynamodb:Query'], groupsIndexArn);
}

/** Reads and writes the replicas of logs: a read of a log may have to settle it. */
export function useReplicas(one: TenureFunction, { replicas }: TenureStore): void {
  one.allow([...items, 'dynamodb:DescribeTable'], ...replicas.map(({ tableArn }) => tableArn));
}

/** Deletes what truncations, or an abandoned restore, have left in the replicas. */
export function discardEntries(one: TenureFunction, { replicas }: TenureStore): void {
  one.allow(['dynamodb:BatchWriteItem'], ...replicas.map(({ tableArn }) => tableArn));
}

/** Without it S3 answers 403 for what is not there. */
export function listBucket(one: TenureFunction, { bucket }: TenureStore): void {
  one.allow(['s3:ListBucket'], bucket.bucketArn);
}

export function readPayloads(one: TenureFunction, { bucket }: TenureStore): void {
  one.allowObjects(['s3:GetObject'], bucket, payloads);
}

/** A signed URL allows no more than the function that signed it may do. */
export function writePayloads(one: TenureFunction, { bucket }: TenureStore): void {
  one.allowObjects(['s3:PutObject'], bucket, payloads);
}

export function deletePayloads(one: TenureFunction, { bucket }: TenureStore): void {
  one.allowObjects(['s3:DeleteObject'], bucket, payloads);
}

/** Copies payloads out of a backup; a large one in parts. */
export function copyToPayloads(one: TenureFunction, store: TenureStore): void {
  writePayloads(one, store);
  one.allowObjects(['s3:ListMultipartUploadParts', 's3:AbortMultipartUpload'], store.bucket, payloads);
  one.allow(['s3:ListBucketMultipartUploads'], store.bucket.bucketArn);
}

export function readArchives(one: TenureFunction, store: TenureStore): void {
  one.allowObjects(['s3:GetObject'], store.bucket, archives);
  listBucket(one, store);
}

export function writeArchives(one: TenureFunction, store: TenureStore): void {
  readArchives(one, store);
  readPayloads(one, store);
  one.allowObjects(['s3:PutObject', 's3:ListMultipartUploadParts'], store.bucket, archives);
  one.allow(['s3:ListBucketMultipartUploads'], store.bucket.bucketArn);
}

/** The parts of the group that the cut fixed are next to the files of its attempt. */
export function keepContents(one: TenureFunction, { bucket }: TenureStore): void {
  one.allowObjects(['s3:PutObject'], bucket, archives);
}

export function deleteArchives(one: TenureFunction, store: TenureStore): void {
  one.allowObjects(['s3:DeleteObject'], store.bucket, archives);
  listBucket(one, store);
}

/**
 * Backups of all groups lie in one bucket: whether a group may read one is for the function to decide, from both
 * groups' records.
 */
export function readUploadedBackups(one: TenureFunction, { bucket }: TenureStore): void {
  one.allowObjects(['s3:GetObject'], bucket, uploadedBackups);
}

export function writeUploadedBackups(one: TenureFunction, { bucket }: TenureStore): void {
  one.allowObjects(['s3:PutObject'], bucket, uploadedBackups);
}
