import { CreateBucketCommand, HeadBucketCommand, type S3Client } from '@aws-sdk/client-s3';
import type { Deployment } from '../assembly/deployment.ts';

/**
 * Creates the buckets of the template, and those of `backupTargets`, that are not there yet; returns the template's.
 * Versioning and lifecycle rules are not applied.
 */
export async function createBuckets(deployment: Deployment, client: S3Client): Promise<string[]> {
  const names = deployment.resources('AWS::S3::Bucket').map((bucket) => deployment.reference(bucket));
  for (const Bucket of new Set([...names, ...targetBuckets(deployment)])) {
    const found = await client.send(new HeadBucketCommand({ Bucket })).then(
      () => true,
      (cause: { $metadata?: { httpStatusCode?: number } }) => {
        if (cause.$metadata?.httpStatusCode === 404) return false;
        throw cause;
      },
    );
    if (!found) await client.send(new CreateBucketCommand({ Bucket }));
  }
  return names;
}

/** In AWS they belong to somebody else; here there is nobody else. */
function targetBuckets(deployment: Deployment): string[] {
  const templates = deployment.resources('AWS::Lambda::Function').map((resource) => {
    const { Environment } = deployment.properties<{ Environment?: { Variables?: Record<string, unknown> } }>(resource);
    return Environment?.Variables?.['TENURE_BACKUP_TARGETS'];
  });
  const given = process.env['TENURE_BACKUP_TARGETS'];
  const lists = given === undefined ? templates : [given];
  return lists.flatMap((list) => [...String(list ?? '').matchAll(/s3:\/\/([^/,]+)/g)].map(([, bucket = '']) => bucket));
}
