import { createHash, randomBytes } from 'node:crypto';
import {
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  DeleteObjectCommand,
  GetObjectCommand,
  HeadObjectCommand,
  PutObjectCommand,
  type PutObjectCommandInput,
  UploadPartCommand,
} from '@aws-sdk/client-s3';
import { getSignedUrl } from '@aws-sdk/s3-request-presigner';
import { AwsClient } from 'aws4fetch';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { bucket, credentials, errorCode, newClient, readBack, refusal, useS3Server } from './fixture.ts';
import { onOurs } from './versity.ts';

const server = useS3Server();
const sha256 = (data: Buffer | string) => createHash('sha256').update(data).digest('base64');
const unhoistableHeaders = new Set(['x-amz-checksum-sha256']);
const head = (Key: string) => server.s3.send(new HeadObjectCommand({ Bucket: bucket, Key, ChecksumMode: 'ENABLED' }));
const outcome = async (response: Response) => [response.status, await errorCode(response)];
const signedNames = (url: string) => new URL(url).searchParams.get('X-Amz-SignedHeaders');

afterEach(() => {
  server.clock.now = () => Date.now();
});

describe('an upload URL as Tenure hands it out', () => {
  const body = randomBytes(10_000);
  let url: string;
  const headers = { 'content-length': '10000', 'if-none-match': '*', 'x-amz-checksum-sha256': sha256(body) };
  const upload = (more: RequestInit = {}, to = url) => fetch(to, { method: 'PUT', headers, body, ...more });

  async function presignPut(Key: string, more: Partial<PutObjectCommandInput> = {}): Promise<string> {
    const client = newClient(server.endpoint, { requestChecksumCalculation: 'WHEN_REQUIRED' });
    const command = new PutObjectCommand({
      Bucket: bucket,
      Key,
      ContentLength: body.length,
      IfNoneMatch: '*',
      ChecksumSHA256: sha256(body),
      ...more,
    });
    return getSignedUrl(client, command, { expiresIn: 600, unhoistableHeaders });
  }

  beforeAll(async () => {
    url = await presignPut('groups/g/jobs/j/1');
  });

  it('has length, write-once and SHA-256 under its signature', () => {
    expect(signedNames(url)).toBe('content-length;host;if-none-match;x-amz-checksum-sha256');
  });

  it.each<[string, () => Promise<Response>, [number, string]]>([
    ['other bytes of the same length', () => upload({ body: randomBytes(10_000) }), [400, 'BadDigest']],
    [
      'a longer body',
      () => upload({ body: randomBytes(10_001), headers: without('content-length') }),
      [403, 'SignatureDoesNotMatch'],
    ],
    ['no checksum header', () => upload({ headers: without('x-amz-checksum-sha256') }), [403, 'SignatureDoesNotMatch']],
    [
      'the checksum of other bytes',
      () => upload({ headers: { ...headers, 'x-amz-checksum-sha256': sha256('other') } }),
      [403, 'SignatureDoesNotMatch'],
    ],
    ['no If-None-Match', () => upload({ headers: without('if-none-match') }), [403, 'SignatureDoesNotMatch']],
    ['one more x-amz-* header', () => upload({ headers: { ...headers, 'x-amz-meta-a': 'b' } }), [403, 'AccessDenied']],
    ['another key', () => upload({}, url.replace('jobs/j/1', 'jobs/j/2')), [403, 'SignatureDoesNotMatch']],
    ['another method', () => upload({ method: 'DELETE', body: null }), [403, 'SignatureDoesNotMatch']],
    ['a longer time', () => upload({}, url.replace('Expires=600', 'Expires=6000')), [403, 'SignatureDoesNotMatch']],
    ['a sub-resource', () => upload({}, `${url}&tagging`), [403, 'SignatureDoesNotMatch']],
    ['no signature', () => upload({}, url.split('?')[0]), [403, 'AccessDenied']],
  ])('refuses %s and stores nothing', async (_, send, expected) => {
    expect(await outcome(await send())).toEqual(expected);
    expect(await refusal(head('groups/g/jobs/j/1'))).toMatchObject({ name: 'NotFound' });
    expect(await refusal(head('groups/g/jobs/j/2'))).toMatchObject({ name: 'NotFound' });
  });

  function without(name: keyof typeof headers): Record<string, string> {
    return Object.fromEntries(Object.entries(headers).filter(([other]) => other !== name));
  }

  it('takes the bytes that it was made for, once', async () => {
    expect(await outcome(await upload())).toEqual([200, undefined]);
    expect((await readBack(server.s3, 'groups/g/jobs/j/1')).equals(body)).toBe(true);
    expect(await head('groups/g/jobs/j/1')).toMatchObject({ ChecksumSHA256: sha256(body), ContentLength: 10_000 });
    expect(await outcome(await upload())).toEqual([412, 'PreconditionFailed']);
  });

  it.runIf(onOurs)('refuses the time it was made for over, stores nothing, and says why', async () => {
    const late = await presignPut('groups/g/jobs/j/late');
    server.clock.now = () => Date.now() + 601_000;
    const refused = await upload({}, late);
    expect(await outcome(refused.clone())).toEqual([403, 'AccessDenied']);
    expect(await refused.text()).toContain('<Message>Request has expired</Message>');
    server.clock.now = () => Date.now();
    expect(await refusal(head('groups/g/jobs/j/late'))).toMatchObject({ name: 'NotFound' });
  });

  it('would check nothing if the SHA-256 were moved into the query, as a presigner does of itself', async () => {
    const client = newClient(server.endpoint);
    const input = { Bucket: bucket, Key: 'hoisted', ChecksumSHA256: sha256('promised') };
    const hoisted = await getSignedUrl(client, new PutObjectCommand(input));
    expect(hoisted).toContain('x-amz-checksum-sha256=');
    expect((await fetch(hoisted, { method: 'PUT', body: 'other' })).status).toBe(200);
    expect((await readBack(server.s3, 'hoisted')).toString()).toBe('other');
    expect((await head('hoisted')).ChecksumSHA256).toBeUndefined();
  });
});

describe('an upload in parts by URL', () => {
  const bodies = [randomBytes(5 * 1024 ** 2), randomBytes(1000)];

  it('takes each part only with its SHA-256, and keeps the composite', async () => {
    const Key = 'groups/g/jobs/j/parts';
    const { UploadId } = await server.s3.send(
      new CreateMultipartUploadCommand({ Bucket: bucket, Key, ChecksumAlgorithm: 'SHA256' }),
    );
    const client = newClient(server.endpoint, { requestChecksumCalculation: 'WHEN_REQUIRED' });
    const Parts = [];
    for (const [i, body] of bodies.entries()) {
      const part = { PartNumber: i + 1, ChecksumSHA256: sha256(body) };
      const command = new UploadPartCommand({ Bucket: bucket, Key, UploadId, ContentLength: body.length, ...part });
      const url = await getSignedUrl(client, command, { unhoistableHeaders });
      expect(signedNames(url)).toBe('content-length;host;x-amz-checksum-sha256');
      const headers = { 'x-amz-checksum-sha256': part.ChecksumSHA256 };
      const wrong = await fetch(url, { method: 'PUT', headers, body: randomBytes(body.length) });
      expect(await outcome(wrong)).toEqual([400, 'BadDigest']);
      const other = await fetch(url.replace('partNumber=', 'partNumber=1'), { method: 'PUT', headers, body });
      expect(await outcome(other)).toEqual([403, 'SignatureDoesNotMatch']);
      const right = await fetch(url, { method: 'PUT', headers, body });
      expect([right.status, right.headers.get('x-amz-checksum-sha256')]).toEqual([200, part.ChecksumSHA256]);
      Parts.push({ ...part, ETag: right.headers.get('etag') ?? '' });
    }
    const completed = await server.s3.send(
      new CompleteMultipartUploadCommand({
        Bucket: bucket,
        Key,
        UploadId,
        MultipartUpload: { Parts },
        IfNoneMatch: '*',
      }),
    );
    const digests = bodies.map((body) => createHash('sha256').update(body).digest());
    const composite = `${sha256(Buffer.concat(digests))}-2`;
    expect(completed.ChecksumSHA256).toBe(composite);
    expect(await head(Key)).toMatchObject({ ChecksumSHA256: composite, ChecksumType: 'COMPOSITE' });
    expect((await readBack(server.s3, Key)).equals(Buffer.concat(bodies))).toBe(true);
  });
});

describe('a download URL', () => {
  const keys = ['plain', 'with space', 'plus+sign', '100%', 'é/ü', 'a//b', "quote'(x)*!~"];

  it.each(keys)('reads %j, whole, in ranges and under conditions', async (Key) => {
    const { ETag = '' } = await server.s3.send(new PutObjectCommand({ Bucket: bucket, Key, Body: '0123456789' }));
    const url = await getSignedUrl(server.s3, new GetObjectCommand({ Bucket: bucket, Key }), { expiresIn: 60 });
    expect(await (await fetch(url)).text()).toBe('0123456789');
    const range = await fetch(url, { headers: { range: 'bytes=2-4' } });
    expect([range.status, await range.text(), range.headers.get('content-range')]).toEqual([
      206,
      '234',
      'bytes 2-4/10',
    ]);
    expect((await fetch(url, { headers: { 'if-none-match': ETag } })).status).toBe(304);
  });

  it.runIf(onOurs).each(keys)('reads %j no longer when its time is over', async (Key) => {
    await server.s3.send(new PutObjectCommand({ Bucket: bucket, Key, Body: '0123456789' }));
    const url = await getSignedUrl(server.s3, new GetObjectCommand({ Bucket: bucket, Key }), { expiresIn: 60 });
    server.clock.now = () => Date.now() + 61_000;
    expect(await outcome(await fetch(url))).toEqual([403, 'AccessDenied']);
  });

  it('gives the answer the headers that were asked for when it was made', async () => {
    await server.s3.send(new PutObjectCommand({ Bucket: bucket, Key: 'named', Body: 'x' }));
    const command = new GetObjectCommand({
      Bucket: bucket,
      Key: 'named',
      ResponseContentType: 'text/plain',
      ResponseContentDisposition: 'attachment; filename="a b.txt"',
    });
    const { headers } = await fetch(await getSignedUrl(server.s3, command));
    expect(headers.get('content-type')).toBe('text/plain');
    expect(headers.get('content-disposition')).toBe('attachment; filename="a b.txt"');
  });

  it('of another secret, or of an unknown key id, is refused', async () => {
    const command = new GetObjectCommand({ Bucket: bucket, Key: 'named' });
    const sign = (credentials: { accessKeyId: string; secretAccessKey: string }) =>
      getSignedUrl(newClient(server.endpoint, { credentials }), command);
    const guessed = await fetch(await sign({ accessKeyId: 'local', secretAccessKey: 'guess' }));
    expect(await outcome(guessed)).toEqual([403, 'SignatureDoesNotMatch']);
    const unknown = await fetch(await sign({ accessKeyId: 'unknown', secretAccessKey: 'local' }));
    expect(await outcome(unknown)).toEqual([403, 'InvalidAccessKeyId']);
  });

  it('may come from another library than the SDK', async () => {
    await server.s3.send(new PutObjectCommand({ Bucket: bucket, Key: "é '+(x)", Body: 'x' }));
    const client = new AwsClient({ ...credentials, service: 's3', region: 'us-east-1' });
    const to = `${server.endpoint}/${bucket}/${encodeURIComponent("é '+(x)")}?X-Amz-Expires=60`;
    const { url } = await client.sign(to, { aws: { signQuery: true } });
    expect(await (await fetch(url)).text()).toBe('x');
    if (!onOurs) return;
    server.clock.now = () => Date.now() + 61_000;
    expect(await outcome(await fetch(url))).toEqual([403, 'AccessDenied']);
  });

  it('exists for HEAD and DELETE, too', async () => {
    await server.s3.send(new PutObjectCommand({ Bucket: bucket, Key: 'other-verbs', Body: 'x' }));
    const input = { Bucket: bucket, Key: 'other-verbs' };
    const answer = await fetch(await getSignedUrl(server.s3, new HeadObjectCommand(input)), { method: 'HEAD' });
    expect([answer.status, answer.headers.get('content-length')]).toEqual([200, '1']);
    const removed = await fetch(await getSignedUrl(server.s3, new DeleteObjectCommand(input)), { method: 'DELETE' });
    expect(removed.status).toBe(204);
    expect(await refusal(head('other-verbs'))).toMatchObject({ name: 'NotFound' });
  });
});
