import { createHash } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import {
  CopyObjectCommand,
  CreateBucketCommand,
  GetObjectCommand,
  HeadObjectCommand,
  PutObjectCommand,
  type S3Client,
} from '@aws-sdk/client-s3';
import { Upload } from '@aws-sdk/lib-storage';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { sizes } from '../../../sizes.ts';
import { type ChildServer, startChildServer } from './child.ts';
import { bucket, newClient } from './fixture.ts';

const MiB = 1024 ** 2;
const size = sizes.s3.largeObjectMiB * MiB;
/** Memory that the server may need beyond its size at rest, whatever the object's size. */
const allowedMiB = 96;

/** Bytes that differ from place to place, so that a piece lost, doubled or moved shows. */
function* pieces(): Generator<Buffer> {
  const pieceSize = 128 * 1024;
  for (let i = 0; i < size / pieceSize; i++) {
    const piece = Buffer.alloc(pieceSize, `piece ${i} `);
    yield piece;
  }
}

function digestOf(source: Iterable<Buffer>): string {
  const hash = createHash('sha256');
  for (const piece of source) hash.update(piece);
  return hash.digest('hex');
}

describe(`an object of ${sizes.s3.largeObjectMiB} MiB`, () => {
  let folder: string;
  let server: ChildServer;
  let s3: S3Client;
  let restingMiB: number;
  const expected = digestOf(pieces());

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'tenure-s3-large-'));
    server = await startChildServer(folder);
    s3 = newClient(server.endpoint);
    await s3.send(new CreateBucketCommand({ Bucket: bucket }));
    restingMiB = await server.peakMiB();
  });

  afterAll(async () => {
    s3.destroy();
    await server.kill();
    await rm(folder, { recursive: true });
  });

  async function read(Key: string): Promise<string> {
    const { Body } = await s3.send(new GetObjectCommand({ Bucket: bucket, Key }));
    const hash = createHash('sha256');
    for await (const piece of Body as Readable) hash.update(piece);
    return hash.digest('hex');
  }

  it('goes in with one put and out again', async () => {
    await s3.send(
      new PutObjectCommand({ Bucket: bucket, Key: 'put', Body: Readable.from(pieces()), ContentLength: size }),
    );
    expect(await read('put')).toBe(expected);
  });

  it('goes in with parts and out again', async () => {
    const params = {
      Bucket: bucket,
      Key: 'parts',
      Body: Readable.from(pieces()),
      ChecksumAlgorithm: 'SHA256' as const,
    };
    await new Upload({ client: s3, params, partSize: 16 * MiB, queueSize: 4 }).done();
    const found = await s3.send(new HeadObjectCommand({ Bucket: bucket, Key: 'parts' }));
    expect(found).toMatchObject({ ContentLength: size, ETag: expect.stringMatching(`-${size / 16 / MiB}"$`) });
    expect(await read('parts')).toBe(expected);
  });

  it('is copied by the server', async () => {
    await s3.send(new CopyObjectCommand({ Bucket: bucket, Key: 'copy', CopySource: `${bucket}/parts` }));
    expect(await read('copy')).toBe(expected);
  });

  it(`takes the server no more than ${allowedMiB} MiB above what it needs at rest`, async () => {
    const grownMiB = (await server.peakMiB()) - restingMiB;
    console.log(
      `the S3 server had ${restingMiB.toFixed(0)} MiB at rest and ${grownMiB.toFixed(0)} MiB more at its peak`,
    );
    expect(grownMiB).toBeLessThan(allowedMiB);
  });
});
