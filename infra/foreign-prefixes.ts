/** Rights on prefixes of buckets that are not the stack's: where backups are restored from, or written to. */
import { Aws, Validations } from 'aws-cdk-lib';
import type { IRole } from 'aws-cdk-lib/aws-iam';
import type { TenureFunction } from './tenure-function.ts';

const arnOf = (place: string) => `arn:${Aws.PARTITION}:s3:::${place}`;

/** Grants these actions on the objects below `s3://bucket/prefix/`. */
function allowBelow(one: TenureFunction, actions: readonly string[], prefix: string, reason: string): void {
  const [, place = ''] = prefix.split('s3://');
  one.allow(actions, arnOf(`${place}*`));
  Validations.of(one.role as IRole).acknowledge({
    id: `AwsSolutions-IAM5[Resource::arn:<AWS::Partition>:s3:::${place}*]`,
    reason,
  });
}

/** Without the list S3 answers 403 for what is not there. */
function allowLists(one: TenureFunction, actions: readonly string[], prefix: string): void {
  const [bucket = ''] = prefix.replace('s3://', '').split('/');
  one.allow(actions, arnOf(bucket));
}

const namedBy = (what: string) => `The deployment names this prefix as one that backups are ${what}.`;

export function readSource(one: TenureFunction, source: string): void {
  allowBelow(one, ['s3:GetObject'], source, namedBy('restored from'));
}

export function readTarget(one: TenureFunction, target: string): void {
  allowBelow(one, ['s3:GetObject'], target, namedBy('written to'));
}

/** Prefixes that a backup writes, with copies of large payloads in parts, and reads again to verify it. */
export function writeTarget(one: TenureFunction, target: string): void {
  const actions = ['s3:GetObject', 's3:PutObject', 's3:ListMultipartUploadParts'];
  allowBelow(one, actions, target, namedBy('written to'));
  allowLists(one, ['s3:ListBucket', 's3:ListBucketMultipartUploads'], target);
}

/** The files of backups that are deleted, or failed. */
export function deleteFromTarget(one: TenureFunction, target: string): void {
  allowBelow(one, ['s3:DeleteObject'], target, namedBy('written to'));
  allowLists(one, ['s3:ListBucket'], target);
}
