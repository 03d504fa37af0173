import { createWriteStream } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { GetObjectCommand, ListObjectsV2Command, S3Client } from '@aws-sdk/client-s3';
import type { StackDescription } from '../../support/stack.ts';

export function s3Of({ s3: endpoint, region, credentials }: StackDescription): S3Client {
  return new S3Client({ endpoint, region, credentials, forcePathStyle: true });
}

/** Copies all files below an address into a folder, as `aws s3 sync` would. */
export async function downloadAll(s3: S3Client, uri: string, folder: string): Promise<void> {
  const { hostname: Bucket, pathname } = new URL(uri);
  const Prefix = pathname.slice(1);
  const { Contents = [] } = await s3.send(new ListObjectsV2Command({ Bucket, Prefix }));
  const names = Contents.map(({ Key = '' }) => Key.slice(Prefix.length));
  for (const name of names) {
    const { Body } = await s3.send(new GetObjectCommand({ Bucket, Key: `${Prefix}${name}` }));
    const path = join(folder, name);
    await mkdir(dirname(path), { recursive: true });
    await pipeline(Body as Readable, createWriteStream(path));
  }
}
