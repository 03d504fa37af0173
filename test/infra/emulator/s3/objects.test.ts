import { createHash, randomBytes } from 'node:crypto';
import { readdir, stat, truncate } from 'node:fs/promises';
import { join } from 'node:path';
import {
  DeleteObjectCommand,
  GetObjectCommand,
  HeadObjectCommand,
  PutObjectCommand,
  type PutObjectCommandInput,
} from '@aws-sdk/client-s3';
import { beforeAll, describe, expect, it, vi } from 'vitest';
import { bucket, readBack, refusal, useS3Server } from './fixture.ts';
import { onOurs } from './versity.ts';

const server = useS3Server();
const put = (Key: string, Body: string | Buffer, more: Partial<PutObjectCommandInput> = {}) =>
  server.s3.send(new PutObjectCommand({ Bucket: bucket, Key, Body, ...more }));
const get = (Key: string, more: object = {}) => server.s3.send(new GetObjectCommand({ Bucket: bucket, Key, ...more }));

describe('an object', () => {
  it('comes back byte for byte, with its headers, metadata and MD5 as ETag', async () => {
    const body = randomBytes(300_000);
    const { ETag } = await put('plain', body, {
      ContentType: 'application/x-thing',
      CacheControl: 'no-store',
      ContentEncoding: 'gzip',
      ContentDisposition: 'attachment; filename="a b"',
      Metadata: { first: '1', 'second-name': 'two words' },
    });
    const { Body, ...head } = await get('plain', { ...(onOurs && { ExpectedBucketOwner: '123456789012' }) });
    expect(Buffer.from((await Body?.transformToByteArray()) ?? []).equals(body)).toBe(true);
    expect(head).toMatchObject({
      ETag,
      ContentLength: 300_000,
      ContentType: 'application/x-thing',
      CacheControl: 'no-store',
      ContentEncoding: 'gzip',
      ContentDisposition: 'attachment; filename="a b"',
      Metadata: { first: '1', 'second-name': 'two words' },
    });
    expect(ETag).toBe(`"${createHash('md5').update(body).digest('hex')}"`);
  });

  it('may be empty', async () => {
    await put('empty', '');
    expect((await readBack(server.s3, 'empty')).length).toBe(0);
    const { ContentLength, ETag } = await server.s3.send(new HeadObjectCommand({ Bucket: bucket, Key: 'empty' }));
    expect({ ContentLength, ETag }).toEqual({ ContentLength: 0, ETag: '"d41d8cd98f00b204e9800998ecf8427e"' });
  });

  it('is replaced whole by another put, and gone after a delete, which may be repeated', async () => {
    await put('replaced', 'a long first version', { Metadata: { version: '1' } });
    await put('replaced', 'second');
    expect((await readBack(server.s3, 'replaced')).toString()).toBe('second');
    expect((await get('replaced')).Metadata).toEqual({});
    for (let i = 0; i < 2; i++) await server.s3.send(new DeleteObjectCommand({ Bucket: bucket, Key: 'replaced' }));
    expect(await refusal(get('replaced'))).toMatchObject({ name: 'NoSuchKey', status: 404 });
  });

  it('that is not there answers NoSuchKey to GET and NotFound to HEAD; so does a bucket', async () => {
    expect(await refusal(get('nowhere'))).toMatchObject({ name: 'NoSuchKey', status: 404 });
    const head = server.s3.send(new HeadObjectCommand({ Bucket: bucket, Key: 'nowhere' }));
    expect(await refusal(head)).toMatchObject({ name: 'NotFound', status: 404 });
    const elsewhere = server.s3.send(new GetObjectCommand({ Bucket: 'no-such-bucket', Key: 'a' }));
    expect(await refusal(elsewhere)).toMatchObject({ name: 'NoSuchBucket', status: 404 });
    const written = server.s3.send(new PutObjectCommand({ Bucket: 'no-such-bucket', Key: 'a', Body: 'a' }));
    expect(await refusal(written)).toMatchObject({ name: 'NoSuchBucket', status: 404 });
  });

  it('keeps its first bytes for a reader that began before it was replaced or deleted', async () => {
    const first = randomBytes(4_000_000);
    await put('busy', first);
    const { Body } = await get('busy');
    await put('busy', 'second');
    await server.s3.send(new DeleteObjectCommand({ Bucket: bucket, Key: 'busy' }));
    expect(Buffer.from((await Body?.transformToByteArray()) ?? []).equals(first)).toBe(true);
    expect(await refusal(get('busy'))).toMatchObject({ name: 'NoSuchKey' });
  });
});

describe.runIf(onOurs)('a blob that was damaged on the disk', () => {
  it('breaks the answer off instead of passing for the object', async () => {
    await put('damaged', randomBytes(100_000));
    const folder = join(server.folder, bucket, 'blobs');
    for (const name of await readdir(folder)) {
      if ((await stat(join(folder, name))).size === 100_000) await truncate(join(folder, name), 60_000);
    }
    const complaint = vi.spyOn(console, 'error').mockImplementation(() => {});
    await expect(readBack(server.s3, 'damaged')).rejects.toThrow(/aborted|ECONNRESET|socket hang up/);
    expect(complaint.mock.calls.join()).toContain('40000 bytes shorter');
    complaint.mockRestore();
  });
});

describe('a key', () => {
  const keys = [
    'with space',
    ' leading and trailing ',
    'plus+sign',
    '100%',
    '%2F',
    'é/ü/漢字/😀',
    'a//b/',
    '/leading',
    '../../../etc/passwd',
    'a/../b',
    './here',
    '..',
    'quote"\'<&>',
    'tab\tand\nnewline',
    '__proto__',
    'back\\slash:*?|',
    `${'long/'.repeat(204)}abcd`,
    'é'.repeat(512),
  ];
  it.each(keys.map((key) => [key.length > 60 ? `${key.slice(0, 20)}… (${Buffer.byteLength(key)} bytes)` : key, key]))(
    'may be %j',
    async (_, key) => {
      await put(key, `at ${key}`);
      expect((await readBack(server.s3, key)).toString()).toBe(`at ${key}`);
      await server.s3.send(new HeadObjectCommand({ Bucket: bucket, Key: key }));
      await server.s3.send(new DeleteObjectCommand({ Bucket: bucket, Key: key }));
      expect(await refusal(get(key))).toMatchObject({ name: 'NoSuchKey' });
    },
  );

  it('tells apart names that a file system would fold into one', async () => {
    const similar = ['x', 'X', 'x/', 'x//', './x', 'é', 'e\u0301'];
    for (const key of similar) await put(`similar/${key}`, key);
    for (const key of similar) expect((await readBack(server.s3, `similar/${key}`)).toString()).toBe(key);
  });

  it('of more than 1024 bytes is refused', async () => {
    expect(await refusal(put('é'.repeat(513), ''))).toMatchObject({ name: 'KeyTooLongError', status: 400 });
  });
});

describe('a range', () => {
  const body = Buffer.from('0123456789');
  beforeAll(() => put('digits', body));

  it.each([
    ['bytes=0-3', '0123', 'bytes 0-3/10'],
    ['bytes=4-', '456789', 'bytes 4-9/10'],
    ['bytes=-3', '789', 'bytes 7-9/10'],
    ['bytes=-50', '0123456789', 'bytes 0-9/10'],
    ['bytes=8-50', '89', 'bytes 8-9/10'],
  ])('%s', async (Range, text, ContentRange) => {
    const { Body, ...head } = await get('digits', { Range });
    expect(await Body?.transformToString()).toBe(text);
    expect(head).toMatchObject({ ContentRange, ContentLength: text.length, $metadata: { httpStatusCode: 206 } });
  });

  it.each(['bytes=10-', 'bytes=11-12', 'bytes=-0'])('%s is refused', async (Range) => {
    expect(await refusal(get('digits', { Range }))).toMatchObject({ name: 'InvalidRange', status: 416 });
  });

  it('of several pieces, or unreadable, answers the whole object', async () => {
    for (const Range of ['bytes=0-1,3-4', 'lines=1-2', 'bytes=5-2']) {
      const { Body, $metadata } = await get('digits', { Range });
      expect([await Body?.transformToString(), $metadata.httpStatusCode]).toEqual(['0123456789', 200]);
    }
  });
});

describe('a conditional read', () => {
  it('answers 304 and 412 as the conditions have it, for GET and HEAD', async () => {
    const { ETag } = await put('known', 'known');
    const head = (more: object) => server.s3.send(new HeadObjectCommand({ Bucket: bucket, Key: 'known', ...more }));
    for (const read of [(more: object) => get('known', more), head]) {
      expect((await read({ IfMatch: ETag })).$metadata.httpStatusCode).toBe(200);
      expect(await refusal(read({ IfMatch: '"other"' }))).toMatchObject({ status: 412 });
      expect(await refusal(read({ IfNoneMatch: ETag }))).toMatchObject({ status: 304 });
      expect((await read({ IfNoneMatch: '"other"' })).$metadata.httpStatusCode).toBe(200);
      const [before, later] = [new Date(Date.now() - 60_000), new Date(Date.now() + 60_000)];
      expect(await refusal(read({ IfModifiedSince: later }))).toMatchObject({ status: 304 });
      expect((await read({ IfModifiedSince: before })).$metadata.httpStatusCode).toBe(200);
      expect(await refusal(read({ IfUnmodifiedSince: before }))).toMatchObject({ status: 412 });
      expect((await read({ IfMatch: ETag, IfUnmodifiedSince: before })).$metadata.httpStatusCode).toBe(200);
    }
  });
});
