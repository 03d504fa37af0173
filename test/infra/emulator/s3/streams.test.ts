import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { request as httpRequest } from 'node:http';
import { Readable } from 'node:stream';
import { setTimeout as pause } from 'node:timers/promises';
import { crc32 } from 'node:zlib';
import { HeadObjectCommand, PutObjectCommand } from '@aws-sdk/client-s3';
import { Upload } from '@aws-sdk/lib-storage';
import { AwsClient } from 'aws4fetch';
import { describe, expect, it } from 'vitest';
import { bucket, credentials, readBack, refusal, useS3Server } from './fixture.ts';
import { onOurs } from './versity.ts';

const server = useS3Server();
const head = (Key: string) => server.s3.send(new HeadObjectCommand({ Bucket: bucket, Key, ChecksumMode: 'ENABLED' }));

function crcOf(body: Buffer): string {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(crc32(body));
  return bytes.toString('base64');
}

describe("the SDK's streams", () => {
  it.each([0, 1, 8191, 8192, 65_536, 65_537, 3_000_001])('of %i bytes arrive byte for byte', async (size) => {
    const body = randomBytes(size);
    const pieces = Array.from({ length: Math.ceil(size / 65_000) }, (_, i) =>
      body.subarray(i * 65_000, (i + 1) * 65_000),
    );
    const key = `stream-${size}`;
    await server.s3.send(
      new PutObjectCommand({ Bucket: bucket, Key: key, Body: Readable.from(pieces), ContentLength: size }),
    );
    expect((await readBack(server.s3, key)).equals(body)).toBe(true);
    const stored = await head(key);
    expect(stored).toMatchObject({ ContentLength: size, ChecksumCRC32: crcOf(body) });
    expect(stored.ContentEncoding).toBeUndefined();
  });

  it('of unknown length go up through lib-storage, in one put or in parts', async () => {
    for (const size of [100, 12_000_000]) {
      const body = randomBytes(size);
      const pieces = Array.from({ length: Math.ceil(size / 9_999) }, (_, i) =>
        body.subarray(i * 9_999, (i + 1) * 9_999),
      );
      const params = { Bucket: bucket, Key: `unknown-${size}`, Body: Readable.from(pieces) };
      const { ETag } = await new Upload({ client: server.s3, params }).done();
      expect(ETag?.includes('-')).toBe(size > 5 * 1024 ** 2);
      expect((await readBack(server.s3, `unknown-${size}`)).equals(body)).toBe(true);
    }
  });

  it('in pieces below 8 KiB are refused as S3 refuses them, with the way out', async () => {
    const pieces = [Buffer.alloc(100), Buffer.alloc(100)];
    const put = server.s3.send(
      new PutObjectCommand({ Bucket: bucket, Key: 'tiny', Body: Readable.from(pieces), ContentLength: 200 }),
    );
    const refused = await refusal(put);
    expect(refused).toMatchObject({ name: 'InvalidChunkSizeError', status: 403 });
    expect(refused.message).toContain('requestStreamBufferSize');
  });
});

const body = randomBytes(20_000);
const frames = (data: Buffer, sizes: number[], end: string) => {
  let offset = 0;
  const chunks = sizes.map((size) => {
    const chunk = data.subarray(offset, offset + size);
    offset += size;
    return Buffer.concat([Buffer.from(`${size.toString(16)}\r\n`), chunk, Buffer.from('\r\n')]);
  });
  return Buffer.concat([...chunks, Buffer.from(end)]);
};
const trailer = (value: string) => `0\r\nx-amz-checksum-crc32:${value}\r\n\r\n`;

interface RawOptions {
  decoded?: number;
  announced?: string;
  pieceSize?: number;
  hangUpAfter?: number;
  headers?: Record<string, string>;
}

/** Sends a framed body as it is, in pieces of its own choosing; answers status and error code. */
async function sendRaw(key: string, framed: Buffer, options: RawOptions = {}): Promise<[number, string | undefined]> {
  const client = new AwsClient({ ...credentials, service: 's3', region: 'us-east-1' });
  const signed = await client.sign(`${server.endpoint}/${bucket}/${key}`, {
    method: 'PUT',
    headers: {
      'x-amz-content-sha256': 'STREAMING-UNSIGNED-PAYLOAD-TRAILER',
      'x-amz-decoded-content-length': String(options.decoded ?? body.length),
      'x-amz-trailer': options.announced ?? 'x-amz-checksum-crc32',
      'content-encoding': 'aws-chunked',
      ...options.headers,
    },
  });
  const sent = httpRequest(signed.url, {
    method: 'PUT',
    headers: { ...Object.fromEntries(signed.headers), 'content-length': options.hangUpAfter ?? framed.length },
  });
  const answered = new Promise<[number, string | undefined]>((resolve, reject) => {
    sent.once('error', reject);
    sent.once('response', async (response) => {
      const text = Buffer.concat(await response.toArray()).toString();
      resolve([response.statusCode ?? 0, /<Code>(.*?)<\/Code>/.exec(text)?.[1]]);
    });
  });
  const size = options.pieceSize ?? framed.length;
  for (let i = 0; i < framed.length; i += size) {
    sent.write(framed.subarray(i, i + size));
    if (options.pieceSize) await pause(0);
  }
  sent.end();
  return answered;
}

describe('aws-chunked', () => {
  const good = frames(body, [8192, 10_000, 1808], trailer(crcOf(body)));

  it.each([1, 2, 3, 7, 1000, 8195])('survives being torn into packets of %i bytes', async (pieceSize) => {
    const small = body.subarray(0, 300);
    const framed = pieceSize < 100 ? frames(small, [300], trailer(crcOf(small))) : good;
    const decoded = pieceSize < 100 ? 300 : body.length;
    expect(await sendRaw('torn', framed, { pieceSize, decoded })).toEqual([200, undefined]);
    expect((await readBack(server.s3, 'torn')).equals(body.subarray(0, decoded))).toBe(true);
  });

  it('keeps the encoding that is the object’s own', async () => {
    await sendRaw('gzip', good, { headers: { 'content-encoding': 'gzip,aws-chunked' } });
    expect(await head('gzip')).toMatchObject({ ContentEncoding: 'gzip', ChecksumCRC32: crcOf(body) });
  });

  it.each<[string, Buffer, RawOptions, [number, string]]>([
    ['a wrong trailer', frames(body, [20_000], trailer(crcOf(body.subarray(1)))), {}, [400, 'BadDigest']],
    ['no trailer though one was announced', frames(body, [20_000], '0\r\n\r\n'), {}, [400, 'MalformedTrailerError']],
    [
      'a trailer of another kind',
      frames(body, [20_000], '0\r\nx-amz-checksum-sha256:AAAA\r\n\r\n'),
      {},
      [400, 'MalformedTrailerError'],
    ],
    ['fewer bytes than announced', good, { decoded: 20_001 }, [400, 'IncompleteBody']],
    ['more bytes than announced', good, { decoded: 19_999 }, [400, 'IncompleteBody']],
    ['no last chunk', frames(body, [20_000], ''), {}, [400, 'IncompleteBody']],
    ['a chunk that is cut off', good.subarray(0, 9000), {}, [400, 'IncompleteBody']],
    ['a chunk without its end', frames(body, [20_000], '').subarray(0, -2), {}, [400, 'IncompleteBody']],
    ['no framing at all', body, {}, [400, 'IncompleteBody']],
    ['a size that is no number', Buffer.from('-5\r\nabcde\r\n0\r\n\r\n'), {}, [400, 'IncompleteBody']],
    ['bytes behind the end', Buffer.concat([good, Buffer.from('more\r\n')]), {}, [400, 'IncompleteBody']],
    ['an endless line', Buffer.alloc(1_000_000, 0x61), {}, [400, 'IncompleteBody']],
    ['a trailer that may not be one', good, { announced: 'content-type' }, [400, 'InvalidRequest']],
  ])('with %s is refused and stores nothing', async (what, framed, options, expected) => {
    const key = `never/${what.replaceAll(' ', '-')}`;
    expect(await sendRaw(key, framed, options)).toEqual(expected);
    expect(await refusal(head(key))).toMatchObject({ name: 'NotFound' });
  });
});

describe('a body', () => {
  it.runIf(onOurs)('that ends when the client hangs up leaves the object before it', async () => {
    await server.s3.send(new PutObjectCommand({ Bucket: bucket, Key: 'hung-up', Body: 'before' }));
    const signed = await new AwsClient({ ...credentials, service: 's3', region: 'us-east-1' }).sign(
      `${server.endpoint}/${bucket}/hung-up`,
      { method: 'PUT', headers: { 'x-amz-content-sha256': 'UNSIGNED-PAYLOAD' } },
    );
    const headers = { ...Object.fromEntries(signed.headers), 'content-length': 100_000 };
    const before = server.requests.length;
    const sent = httpRequest(signed.url, { method: 'PUT', headers });
    sent.on('error', () => {});
    sent.write(randomBytes(50_000));
    while (server.requests.length === before) await pause(2);
    sent.destroy();
    await server.restart();
    expect((await readBack(server.s3, 'hung-up')).toString()).toBe('before');
  });

  it('without a length is refused', async () => {
    const signed = await new AwsClient({ ...credentials, service: 's3', region: 'us-east-1' }).sign(
      `${server.endpoint}/${bucket}/endless`,
      { method: 'PUT', headers: { 'x-amz-content-sha256': 'UNSIGNED-PAYLOAD' } },
    );
    const response = await fetch(signed.url, {
      method: 'PUT',
      headers: signed.headers,
      body: Readable.toWeb(Readable.from([Buffer.from('abc')])) as ReadableStream,
      duplex: 'half',
    } as RequestInit);
    expect(response.status).toBe(411);
  });

  it('is only asked for when the request is good (Expect: 100-continue)', async () => {
    const send = async (to: string) => {
      const signed = await new AwsClient({ ...credentials, service: 's3', region: 'us-east-1' }).sign(
        `${server.endpoint}/${to}`,
        { method: 'PUT', headers: { 'x-amz-content-sha256': 'UNSIGNED-PAYLOAD' } },
      );
      const headers = { ...Object.fromEntries(signed.headers), 'content-length': 4, expect: '100-continue' };
      const sent = httpRequest(signed.url, { method: 'PUT', headers });
      let isAsked = false;
      sent.once('continue', () => {
        isAsked = true;
        sent.end('body');
      });
      sent.flushHeaders();
      const [response] = await once(sent, 'response');
      response.resume();
      if (!isAsked) sent.destroy();
      return [response.statusCode, isAsked];
    };
    expect(await send('no-such-bucket/a')).toEqual([404, false]);
    expect(await send(`${bucket}/expected`)).toEqual([200, true]);
    expect((await readBack(server.s3, 'expected')).toString()).toBe('body');
  });

  it('is answered on the same connection after an early error', async () => {
    const big = randomBytes(3_000_000);
    for (let i = 0; i < 3; i++) {
      const put = new PutObjectCommand({ Bucket: 'no-such-bucket', Key: 'a', Body: big });
      expect(await refusal(server.s3.send(put))).toMatchObject({ name: 'NoSuchBucket', status: 404 });
    }
    await server.s3.send(new PutObjectCommand({ Bucket: bucket, Key: 'after', Body: big }));
    const stored = await readBack(server.s3, 'after');
    expect(createHash('sha256').update(stored).digest('hex')).toBe(createHash('sha256').update(big).digest('hex'));
  });
});
