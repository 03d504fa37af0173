import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  CreateBucketCommand,
  DeleteBucketCommand,
  DeleteObjectCommand,
  DeleteObjectTaggingCommand,
  GetBucketLocationCommand,
  GetObjectCommand,
  GetObjectTaggingCommand,
  HeadBucketCommand,
  ListBucketsCommand,
  PutBucketVersioningCommand,
  PutObjectAclCommand,
  PutObjectCommand,
  PutObjectTaggingCommand,
} from '@aws-sdk/client-s3';
import { describe, expect, it } from 'vitest';
import { startS3Server } from '../../../../emulator/s3/server.ts';
import { bucket, errorCode, newClient, readBack, refusal, signedFetch, useS3Server } from './fixture.ts';
import { onOurs } from './versity.ts';

const server = useS3Server();
const put = (Key: string, Body: string, Tagging?: string) =>
  server.s3.send(new PutObjectCommand({ Bucket: bucket, Key, Body, Tagging }));
const tagsOf = async (Key: string) =>
  (await server.s3.send(new GetObjectTaggingCommand({ Bucket: bucket, Key }))).TagSet;
const tag = (Key: string, TagSet: { Key: string; Value: string }[]) =>
  server.s3.send(new PutObjectTaggingCommand({ Bucket: bucket, Key, Tagging: { TagSet } }));

describe('tagging', () => {
  it('does not touch the body', async () => {
    const { ETag } = await put('tagged', 'the body');
    expect(await tagsOf('tagged')).toEqual([]);
    await tag('tagged', [{ Key: 'kind', Value: 'a+b = ü@c' }]);
    expect(await tagsOf('tagged')).toEqual([{ Key: 'kind', Value: 'a+b = ü@c' }]);
    const { Body, ...found } = await server.s3.send(new GetObjectCommand({ Bucket: bucket, Key: 'tagged' }));
    expect(await Body?.transformToString()).toBe('the body');
    expect(found).toMatchObject({ ETag, TagCount: 1 });
    await server.s3.send(new DeleteObjectTaggingCommand({ Bucket: bucket, Key: 'tagged' }));
    expect(await tagsOf('tagged')).toEqual([]);
    await tag('tagged', []);
    expect((await readBack(server.s3, 'tagged')).toString()).toBe('the body');
  });

  it('comes with a put, and goes with the next', async () => {
    await put('with', 'one', 'a=1&b=two%20words');
    expect(await tagsOf('with')).toEqual([
      { Key: 'a', Value: '1' },
      { Key: 'b', Value: 'two words' },
    ]);
    await put('with', 'two');
    expect(await tagsOf('with')).toEqual([]);
  });

  it('is refused for what is not there, and beyond its bounds', async () => {
    expect(await refusal(tag('nowhere', []))).toMatchObject({ name: 'NoSuchKey', status: 404 });
    expect(await refusal(tagsOf('nowhere'))).toMatchObject({ name: 'NoSuchKey' });
    for (const Value of ['a & b', 'a<b', 'a;b'])
      expect(await refusal(tag('tagged', [{ Key: 'kind', Value }]))).toMatchObject({ name: 'InvalidTag', status: 400 });
    const eleven = Array.from({ length: 11 }, (_, i) => ({ Key: `k${i}`, Value: '' }));
    expect(await refusal(tag('tagged', eleven))).toMatchObject({ name: 'InvalidTag', status: 400 });
    expect(await refusal(put('with', 'x', 'a=1&a=2'))).toMatchObject({ name: 'InvalidArgument' });
  });
});

describe('an operation not implemented', () => {
  it('is never taken for a plain put, get or delete', async () => {
    await put('plain', 'the body');
    const subs = [
      'acl',
      'retention',
      'legal-hold',
      'torrent',
      'restore',
      'attributes',
      'versionId=1',
      'append',
      'unknown=x',
    ];
    for (const sub of subs) {
      for (const method of ['PUT', 'GET', 'DELETE', 'POST', 'HEAD']) {
        const init = method === 'PUT' || method === 'POST' ? { method, body: '<Other/>' } : { method };
        const response = await signedFetch(`${server.endpoint}/${bucket}/plain?${sub}`, init);
        expect([sub, method, response.status]).toEqual([sub, method, 501]);
        if (method !== 'HEAD') expect(await errorCode(response)).toBe('NotImplemented');
      }
    }
    const acl = server.s3.send(new PutObjectAclCommand({ Bucket: bucket, Key: 'plain', ACL: 'private' }));
    expect(await refusal(acl)).toMatchObject({ name: 'NotImplemented', status: 501 });
    expect((await readBack(server.s3, 'plain')).toString()).toBe('the body');
  });

  it('covers buckets: their versioning and policies, and the old list', async () => {
    const versioning = server.s3.send(
      new PutBucketVersioningCommand({ Bucket: bucket, VersioningConfiguration: { Status: 'Enabled' } }),
    );
    expect(await refusal(versioning)).toMatchObject({ name: 'NotImplemented', status: 501 });
    for (const [method, query] of [
      ['PUT', '?policy'],
      ['DELETE', '?policy'],
      ['GET', ''],
      ['GET', '?versions'],
      ['POST', ''],
    ]) {
      const response = await signedFetch(`${server.endpoint}/${bucket}${query}`, { method: method ?? '' });
      expect([method, query, response.status]).toEqual([method, query, 501]);
    }
    await server.s3.send(new HeadBucketCommand({ Bucket: bucket }));
  });

  it('covers headers that would change what a write means', async () => {
    for (const name of [
      'x-amz-object-lock-mode',
      'x-amz-server-side-encryption-customer-key',
      'x-amz-write-offset-bytes',
    ]) {
      const init = { method: 'PUT', body: 'other', headers: { [name]: '1' } };
      const response = await signedFetch(`${server.endpoint}/${bucket}/plain`, init);
      expect([name, response.status]).toEqual([name, 501]);
    }
    expect((await readBack(server.s3, 'plain')).toString()).toBe('the body');
  });
});

describe('a request', () => {
  it('without signature, or of a stranger, reads, writes and lists nothing', async () => {
    await put('private', 'private');
    const url = `${server.endpoint}/${bucket}/private`;
    for (const [method, to] of [
      ['GET', url],
      ['PUT', url],
      ['DELETE', url],
      ['GET', `${server.endpoint}/`],
      ['GET', `${url}?acl`],
    ]) {
      const response = await fetch(to as string, { method: method as string });
      expect([response.status, await errorCode(response)]).toEqual([403, 'AccessDenied']);
    }
    const stranger = newClient(server.endpoint, { credentials: { accessKeyId: 'local', secretAccessKey: 'wrong' } });
    const removed = stranger.send(new DeleteObjectCommand({ Bucket: bucket, Key: 'private' }));
    expect(await refusal(removed)).toMatchObject({ name: 'SignatureDoesNotMatch', status: 403 });
    stranger.destroy();
    expect((await readBack(server.s3, 'private')).toString()).toBe('private');
  });

  it.runIf(onOurs)('is told by name, bucket and key to a counting observer', async () => {
    server.requests.length = 0;
    await put('counted', 'x');
    await readBack(server.s3, 'counted');
    await fetch(`${server.endpoint}/${bucket}/counted`);
    expect(server.requests).toEqual([
      { method: 'PUT', bucket, key: 'counted', operation: 'PutObject' },
      { method: 'GET', bucket, key: 'counted', operation: 'GetObject' },
    ]);
  });

  it('that is broken is refused, and the server continues', async () => {
    for (const path of ['/%', '/a%zz', `/${bucket}/%FF%FE`, `/${bucket}/a?x=%`]) {
      const response = await fetch(`${server.endpoint}${path}`);
      expect([path, response.status, await errorCode(response)]).toEqual([path, 400, 'InvalidURI']);
    }
    const patched = await signedFetch(`${server.endpoint}/${bucket}/plain`, { method: 'PATCH', body: 'x' });
    expect([patched.status, await errorCode(patched)]).toEqual([405, 'MethodNotAllowed']);
    await server.s3.send(new HeadBucketCommand({ Bucket: bucket }));
  });
});

describe('a server', () => {
  it('runs next to another, on the loopback only, and says when its port is taken', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'tenure-s3-second-'));
    const port = Number(new URL(server.endpoint).port);
    await expect(startS3Server({ folder, port })).rejects.toMatchObject({ code: 'EADDRINUSE' });
    const other = await startS3Server({ folder, credentials: { accessKeyId: 'own', secretAccessKey: 'own secret' } });
    expect(other.endpoint).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/);
    const owner = newClient(other.endpoint, { credentials: { accessKeyId: 'own', secretAccessKey: 'own secret' } });
    expect((await owner.send(new ListBucketsCommand({}))).Buckets).toEqual([]);
    const local = newClient(other.endpoint);
    expect(await refusal(local.send(new ListBucketsCommand({})))).toMatchObject({ name: 'InvalidAccessKeyId' });
    owner.destroy();
    local.destroy();
    await other.stop();
    await rm(folder, { recursive: true });
    await expect(fetch(other.endpoint)).rejects.toThrow();
  });
});

describe('buckets', () => {
  it('are created, listed, found and deleted when they are empty', async () => {
    const Bucket = 'tenure-second';
    expect(await refusal(server.s3.send(new HeadBucketCommand({ Bucket })))).toMatchObject({ name: 'NotFound' });
    await server.s3.send(new CreateBucketCommand({ Bucket }));
    await server.s3.send(new CreateBucketCommand({ Bucket }));
    await server.s3.send(new HeadBucketCommand({ Bucket }));
    const { LocationConstraint } = await server.s3.send(new GetBucketLocationCommand({ Bucket }));
    expect(LocationConstraint).toBeUndefined();
    const names = async () => (await server.s3.send(new ListBucketsCommand({}))).Buckets?.map(({ Name }) => Name);
    expect(await names()).toEqual([Bucket, bucket]);

    await server.s3.send(new PutObjectCommand({ Bucket, Key: 'a', Body: 'a' }));
    const full = server.s3.send(new DeleteBucketCommand({ Bucket }));
    expect(await refusal(full)).toMatchObject({ name: 'BucketNotEmpty', status: 409 });
    await server.s3.send(new DeleteObjectCommand({ Bucket, Key: 'a' }));
    await server.s3.send(new DeleteBucketCommand({ Bucket }));
    expect(await names()).toEqual([bucket]);
    const written = server.s3.send(new PutObjectCommand({ Bucket, Key: 'a', Body: 'a' }));
    expect(await refusal(written)).toMatchObject({ name: 'NoSuchBucket' });
    await server.s3.send(new CreateBucketCommand({ Bucket }));
    expect(await refusal(server.s3.send(new GetObjectCommand({ Bucket, Key: 'a' })))).toMatchObject({
      name: 'NoSuchKey',
    });
  });

  it('have names that S3 allows', async () => {
    for (const name of ['ab', 'Upper', '.new', 'a..b', '-a-b', '127.0.0.1', 'a'.repeat(64), 'a_b_c']) {
      const response = await signedFetch(`${server.endpoint}/${name}`, { method: 'PUT' });
      expect([name, response.status, await errorCode(response)]).toEqual([name, 400, 'InvalidBucketName']);
    }
  });
});
