import type { S3Client } from '@aws-sdk/client-s3';
import { expect, test } from 'vitest';
import { S3ArchiveBucket } from '../../../functions/backups/bucket/archive-bucket.ts';
import { payloadBucket } from '../../../functions/jobs/payloads/payload-bucket.ts';
import { patience } from '../../../functions/platform/aws.ts';

/** Each listing would take it 19 s. */
function slowBucket() {
  const listed = new Set<string>();
  const send = async (command: object, { requestTimeout = patience.requestHandler.requestTimeout } = {}) => {
    const { name } = command.constructor;
    listed.add(name);
    if (requestTimeout < 19_000) throw new Error(`${name} was given ${requestTimeout} ms`);
    return { Uploads: [{ Key: 'to', UploadId: 'begun' }], CommonPrefixes: [{ Prefix: 'a/1/' }] };
  };
  return { client: { send } as unknown as S3Client, listed };
}

const place = (key: string) => ({ bucket: 'b', key });

test('a listing may take longer than other requests', async () => {
  const { client, listed } = slowBucket();
  expect(await payloadBucket(client, 'b').list('groups/', undefined)).toEqual({ items: [], more: false });
  const archive = new S3ArchiveBucket(client);
  expect(await archive.folders(place('a/'))).toEqual(['a/1/']);
  const limits = { wholeUpTo: 0, goOn: () => false };
  expect(await archive.copy(place('from'), place('to'), 1, limits)).toEqual({ resume: 'begun' });
  expect([...listed]).toEqual(['ListObjectsV2Command', 'ListMultipartUploadsCommand', 'ListPartsCommand']);
});
