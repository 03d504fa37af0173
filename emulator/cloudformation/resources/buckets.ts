import { CreateBucketCommand, HeadBucketCommand, type S3Client } from '@aws-sdk/client-s3';
import type { Deployment } from '../assembly/deployment.ts';

/** Creates the buckets of the template that are not there yet. Versioning and lifecycle rules are not applied. */
export async function createBuckets(deployment: Deployment, client: S3Client): Promise<string[]> {
  const names = deployment.resources('AWS::S3::Bucket').map((bucket) => deployment.reference(bucket));
  for (const Bucket of names) {
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
