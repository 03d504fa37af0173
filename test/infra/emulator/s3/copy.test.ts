import { createHash, randomBytes } from 'node:crypto';
import { open, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  CompleteMultipartUploadCommand,
  CopyObjectCommand,
  type CopyObjectCommandInput,
  CreateBucketCommand,
  CreateMultipartUploadCommand,
  DeleteObjectCommand,
  GetObjectTaggingCommand,
  HeadObjectCommand,
  PutObjectCommand,
  UploadPartCommand,
  UploadPartCopyCommand,
  type UploadPartCopyCommandInput,
} from '@aws-sdk/client-s3';
import { beforeAll, describe, expect, it } from 'vitest';
import { bucket, readBack, refusal, useS3Server } from './fixture.ts';
import { onOurs } from './versity.ts';

const server = useS3Server();
const MiB = 1024 ** 2;
const body = randomBytes(6 * MiB);
const sha256 = (data: Buffer) => createHash('sha256').update(data).digest('base64');
const md5 = (data: Buffer) => `"${createHash('md5').update(data).digest('hex')}"`;
const copy = (Key: string, from: string, more: Partial<CopyObjectCommandInput> = {}) =>
  server.s3.send(new CopyObjectCommand({ Bucket: bucket, Key, CopySource: `${bucket}/${from}`, ...more }));
const head = (Key: string) => server.s3.send(new HeadObjectCommand({ Bucket: bucket, Key, ChecksumMode: 'ENABLED' }));

beforeAll(async () => {
  await server.s3.send(
    new PutObjectCommand({
      Bucket: bucket,
      Key: 'source',
      Body: body,
      ChecksumAlgorithm: 'SHA256',
      ContentType: 'text/source',
      Metadata: { of: 'source' },
      Tagging: 'kind=source',
    }),
  );
});

describe('CopyObject', () => {
  it('copies bytes, headers, metadata, tags and checksum', async () => {
    const { CopyObjectResult } = await copy('copy', 'source');
    expect(CopyObjectResult).toMatchObject({
      ETag: md5(body),
      ChecksumSHA256: sha256(body),
      ChecksumType: 'FULL_OBJECT',
    });
    expect((await readBack(server.s3, 'copy')).equals(body)).toBe(true);
    expect(await head('copy')).toMatchObject({
      ContentType: 'text/source',
      Metadata: { of: 'source' },
      ChecksumSHA256: sha256(body),
    });
    const { TagSet } = await server.s3.send(new GetObjectTaggingCommand({ Bucket: bucket, Key: 'copy' }));
    expect(TagSet).toEqual([{ Key: 'kind', Value: 'source' }]);
  });

  it('replaces what the directives name, and computes another checksum on request', async () => {
    await copy('replaced', 'source', {
      MetadataDirective: 'REPLACE',
      ContentType: 'text/copy',
      Metadata: { of: 'copy' },
      TaggingDirective: 'REPLACE',
      Tagging: 'kind=copy&other=1',
      ChecksumAlgorithm: 'SHA1',
    });
    const found = await head('replaced');
    expect(found).toMatchObject({ ContentType: 'text/copy', Metadata: { of: 'copy' } });
    expect(found.ChecksumSHA1).toBe(createHash('sha1').update(body).digest('base64'));
    const { TagSet } = await server.s3.send(new GetObjectTaggingCommand({ Bucket: bucket, Key: 'replaced' }));
    expect(TagSet).toHaveLength(2);
  });

  it('onto itself is refused unless the metadata is replaced', async () => {
    expect(await refusal(copy('source', 'source'))).toMatchObject({ name: 'InvalidRequest', status: 400 });
    await copy('copy', 'copy', { MetadataDirective: 'REPLACE', Metadata: { touched: 'yes' } });
    expect((await head('copy')).Metadata).toEqual({ touched: 'yes' });
    expect((await readBack(server.s3, 'copy')).equals(body)).toBe(true);
  });

  it('holds to the conditions on its source', async () => {
    const lost = { name: 'PreconditionFailed', status: 412 };
    await copy('cond', 'source', { CopySourceIfMatch: md5(body) });
    expect(await refusal(copy('cond', 'source', { CopySourceIfMatch: '"other"' }))).toMatchObject(lost);
    expect(await refusal(copy('cond', 'source', { CopySourceIfNoneMatch: md5(body) }))).toMatchObject(lost);
    const later = new Date(Date.now() + 60_000);
    expect(await refusal(copy('cond', 'source', { CopySourceIfModifiedSince: later }))).toMatchObject(lost);
    expect(await refusal(copy('cond', 'source', { CopySourceIfUnmodifiedSince: new Date(0) }))).toMatchObject(lost);
  });

  it('finds sources with unusual keys, in other buckets, and says when there is none', async () => {
    const other = 'tenure-other';
    await server.s3.send(new CreateBucketCommand({ Bucket: other }));
    for (const key of ['a b', 'a+b', '100%', 'é/漢', 'a?b', '../x']) {
      await server.s3.send(new PutObjectCommand({ Bucket: other, Key: key, Body: `at ${key}` }));
      for (const CopySource of [`${other}/${encodeURIComponent(key)}`, `/${other}/${encodeURIComponent(key)}`]) {
        await copy('found', '', { CopySource });
        expect((await readBack(server.s3, 'found')).toString()).toBe(`at ${key}`);
      }
    }
    expect(await refusal(copy('x', 'nowhere'))).toMatchObject({ name: 'NoSuchKey', status: 404 });
    expect(await refusal(copy('x', '', { CopySource: 'no-bucket/a' }))).toMatchObject({ name: 'NoSuchBucket' });
    expect(await refusal(copy('x', '', { CopySource: 'nonsense' }))).toMatchObject({ name: 'InvalidArgument' });
  });
});

describe('a source that is replaced and deleted while it is copied', () => {
  it('is copied as it was, or not found', async () => {
    const old = randomBytes(MiB);
    for (let round = 0; round < 5; round++) {
      await server.s3.send(new PutObjectCommand({ Bucket: bucket, Key: 'moving', Body: old }));
      const copies = Array.from({ length: 5 }, (_, i) =>
        copy(`moved-${i}`, 'moving').then(
          () => readBack(server.s3, `moved-${i}`),
          (cause: Error) => cause.name,
        ),
      );
      await server.s3.send(new DeleteObjectCommand({ Bucket: bucket, Key: 'moving' }));
      for (const outcome of await Promise.all(copies)) {
        expect(typeof outcome === 'string' ? outcome === 'NoSuchKey' : outcome.equals(old)).toBe(true);
      }
    }
  });
});

describe('UploadPartCopy', () => {
  const begin = async (Key: string, ChecksumAlgorithm?: 'SHA256') => {
    const input = { Bucket: bucket, Key, ChecksumAlgorithm };
    const { UploadId } = await server.s3.send(new CreateMultipartUploadCommand(input));
    return { Bucket: bucket, Key, UploadId };
  };
  const copyPart = (
    begun: { Bucket: string; Key: string; UploadId: string | undefined },
    PartNumber: number,
    more: Partial<UploadPartCopyCommandInput> = {},
  ) => server.s3.send(new UploadPartCopyCommand({ ...begun, PartNumber, CopySource: `${bucket}/source`, ...more }));

  it('makes parts of a whole object and of a range, together with sent ones', async () => {
    const begun = await begin('joined', 'SHA256');
    const whole = await copyPart(begun, 1);
    const sent = randomBytes(5 * MiB);
    const second = await server.s3.send(
      new UploadPartCommand({ ...begun, PartNumber: 2, Body: sent, ChecksumAlgorithm: 'SHA256' }),
    );
    const range = await copyPart(begun, 3, { CopySourceRange: `bytes=10-${5 * MiB}` });
    const slice = body.subarray(10, 5 * MiB + 1);
    expect(whole.CopyPartResult).toMatchObject({ ETag: md5(body), ChecksumSHA256: sha256(body) });
    expect(range.CopyPartResult).toMatchObject({ ETag: md5(slice), ChecksumSHA256: sha256(slice) });
    const Parts = [whole.CopyPartResult, second, range.CopyPartResult].map((part, i) => ({
      PartNumber: i + 1,
      ETag: part?.ETag,
      ChecksumSHA256: part?.ChecksumSHA256,
    }));
    await server.s3.send(new CompleteMultipartUploadCommand({ ...begun, MultipartUpload: { Parts } }));
    expect((await readBack(server.s3, 'joined')).equals(Buffer.concat([body, sent, slice]))).toBe(true);

    // A copy of an object in parts is one of a single piece again.
    const { CopyObjectResult } = await copy('flat', 'joined');
    const joined = Buffer.concat([body, sent, slice]);
    expect(CopyObjectResult).toMatchObject({ ETag: md5(joined), ChecksumSHA256: sha256(joined) });
  });

  it('is refused for a range outside of its source, a lost condition, or an unknown upload', async () => {
    const begun = await begin('refused');
    for (const CopySourceRange of [`bytes=0-${body.length}`, 'bytes=5-', 'bytes=-5', 'bytes=5-4', 'nonsense']) {
      expect(await refusal(copyPart(begun, 1, { CopySourceRange }))).toMatchObject({ name: 'InvalidArgument' });
    }
    expect(await refusal(copyPart(begun, 1, { CopySourceIfMatch: '"x"' }))).toMatchObject({
      name: 'PreconditionFailed',
    });
    const unknown = { ...begun, UploadId: 'unknown' };
    expect(await refusal(copyPart(unknown, 1))).toMatchObject({ name: 'NoSuchUpload' });
  });

  it.runIf(onOurs)('takes what is above 5 GiB only by ranges, and CopyObject not at all', async () => {
    await server.s3.send(new PutObjectCommand({ Bucket: bucket, Key: 'huge', Body: 'huge' }));
    const objects = join(server.folder, bucket, 'objects');
    const size = 5 * 1024 ** 3 + 1;
    for (const name of await readdir(objects)) {
      const record = JSON.parse(await readFile(join(objects, name), 'utf8'));
      if (record.key !== 'huge') continue;
      // A file with a hole: as large as it needs to be, without taking up the disk.
      const file = await open(join(server.folder, bucket, 'blobs', record.parts[0].blob), 'r+');
      await file.truncate(size);
      await file.close();
      record.size = record.parts[0].size = size;
      await writeFile(join(objects, name), JSON.stringify(record));
    }
    await server.restart();
    expect((await head('huge')).ContentLength).toBe(size);
    expect(await refusal(copy('x', 'huge'))).toMatchObject({ name: 'InvalidRequest' });
    const begun = await begin('from-huge');
    const CopySource = `${bucket}/huge`;
    expect(await refusal(copyPart(begun, 1, { CopySource }))).toMatchObject({ name: 'InvalidRequest' });
    const CopySourceRange = `bytes=${size - 10}-${size - 1}`;
    const { CopyPartResult } = await copyPart(begun, 1, { CopySource, CopySourceRange });
    expect(CopyPartResult?.ETag).toBe(md5(Buffer.alloc(10)));
  });
});
