import { createHash, randomBytes } from 'node:crypto';
import { Readable } from 'node:stream';
import {
  ChecksumAlgorithm,
  GetObjectCommand,
  HeadObjectCommand,
  PutObjectCommand,
  type PutObjectCommandInput,
} from '@aws-sdk/client-s3';
import { describe, expect, it } from 'vitest';
import { bucket, errorCode, newClient, readBack, refusal, signedFetch, useS3Server } from './fixture.ts';

const server = useS3Server();
const put = (Key: string, more: Partial<PutObjectCommandInput>) =>
  server.s3.send(new PutObjectCommand({ Bucket: bucket, Key, ...more }));
const head = (Key: string) => server.s3.send(new HeadObjectCommand({ Bucket: bucket, Key, ChecksumMode: 'ENABLED' }));
const base64 = (hex: string) => Buffer.from(hex, 'hex').toString('base64');

/** The published check values of the CRCs are those of this text. */
const text = '123456789';
const known = {
  CRC32: base64('cbf43926'),
  CRC32C: base64('e3069283'),
  CRC64NVME: base64('ae8b14860a799888'),
  SHA1: createHash('sha1').update(text).digest('base64'),
  SHA256: createHash('sha256').update(text).digest('base64'),
  SHA512: createHash('sha512').update(text).digest('base64'),
  MD5: createHash('md5').update(text).digest('base64'),
};

describe.each(Object.entries(known))('%s', (algorithm, value) => {
  const header = `x-amz-checksum-${algorithm.toLowerCase()}`;
  const url = (key: string) => `${server.endpoint}/${bucket}/${key}-${algorithm}`;

  it('is kept when it is right, and told on request', async () => {
    expect((await signedFetch(url('right'), { method: 'PUT', body: text, headers: { [header]: value } })).status).toBe(
      200,
    );
    const { ChecksumType, ...found } = await head(`right-${algorithm}`);
    expect(found[`Checksum${algorithm as keyof typeof known}`]).toBe(value);
    expect(ChecksumType).toBe('FULL_OBJECT');
    const silent = await server.s3.send(new HeadObjectCommand({ Bucket: bucket, Key: `right-${algorithm}` }));
    expect(Object.keys(silent).filter((name) => name.startsWith('Checksum'))).toEqual([]);
  });

  it('refuses other bytes and stores nothing', async () => {
    const response = await signedFetch(url('wrong'), {
      method: 'PUT',
      body: '123456780',
      headers: { [header]: value },
    });
    expect([response.status, await errorCode(response)]).toEqual([400, 'BadDigest']);
    expect(await refusal(head(`wrong-${algorithm}`))).toMatchObject({ name: 'NotFound' });
  });

  it('refuses what is no digest', async () => {
    for (const bad of ['', 'x', value.slice(0, -1), `${value}-1`, base64('00')]) {
      const response = await signedFetch(url('bad'), { method: 'PUT', body: text, headers: { [header]: bad } });
      expect([bad, response.status, await errorCode(response)]).toEqual([bad, 400, 'InvalidRequest']);
    }
  });
});

describe('the SDK', () => {
  const algorithms = ['CRC32', 'CRC32C', 'CRC64NVME', 'SHA1', 'SHA256'] as const;

  it.each(algorithms)('sends %s with a buffer and behind a stream, and checks it on reading', async (algorithm) => {
    const body = randomBytes(200_001);
    await put('buffer', { Body: body, ChecksumAlgorithm: algorithm });
    await put('stream', { Body: Readable.from([body]), ContentLength: body.length, ChecksumAlgorithm: algorithm });
    const [one, other] = [await head('buffer'), await head('stream')];
    expect(one[`Checksum${algorithm}`]).toBeTruthy();
    expect(other[`Checksum${algorithm}`]).toBe(one[`Checksum${algorithm}`]);
    for (const key of ['buffer', 'stream']) expect((await readBack(server.s3, key)).equals(body)).toBe(true);
  });

  it('refuses an answer whose bytes are not those of its checksum, so reading does check', async () => {
    await put('checked', { Body: 'checked', ChecksumAlgorithm: 'SHA256' });
    const liar = newClient(server.endpoint);
    liar.middlewareStack.add(
      (next) => async (args) => {
        const result = await next(args);
        const { headers } = result.response as { headers: Record<string, string> };
        expect(headers['x-amz-checksum-sha256']).toBe(createHash('sha256').update('checked').digest('base64'));
        headers['x-amz-checksum-sha256'] = known.SHA256;
        return result;
      },
      { step: 'deserialize', priority: 'low' },
    );
    const { Body } = await liar.send(new GetObjectCommand({ Bucket: bucket, Key: 'checked' }));
    await expect(Body?.transformToString()).rejects.toThrow('Checksum mismatch');
    liar.destroy();
  });

  it('tells no checksum of the whole with a range', async () => {
    await put('ranged', { Body: '0123456789', ChecksumAlgorithm: 'SHA256' });
    const { Body, ChecksumSHA256 } = await server.s3.send(
      new GetObjectCommand({ Bucket: bucket, Key: 'ranged', Range: 'bytes=2-4', ChecksumMode: 'ENABLED' }),
    );
    expect([await Body?.transformToString(), ChecksumSHA256]).toEqual(['234', undefined]);
  });

  it('is told which algorithms are not computed here', async () => {
    const unknown = Object.values(ChecksumAlgorithm).filter((name) => !(name in known));
    expect(unknown.length).toBeGreaterThan(0);
    for (const name of unknown) {
      const headers = { [`x-amz-checksum-${name.toLowerCase()}`]: 'AAAA' };
      const response = await signedFetch(`${server.endpoint}/${bucket}/unknown`, {
        method: 'PUT',
        body: text,
        headers,
      });
      expect([response.status, await errorCode(response)]).toEqual([501, 'NotImplemented']);
    }
  });
});

describe('a put', () => {
  const url = () => `${server.endpoint}/${bucket}/put`;
  const send = async (headers: Record<string, string>, body = text) => {
    const response = await signedFetch(url(), { method: 'PUT', body, headers });
    return [response.status, await errorCode(response)];
  };

  it('with a wrong Content-MD5 is refused and leaves the object before it', async () => {
    await put('put', { Body: 'before' });
    expect(await send({ 'content-md5': known.MD5 }, 'other')).toEqual([400, 'BadDigest']);
    expect(await send({ 'content-md5': 'nonsense' })).toEqual([400, 'InvalidDigest']);
    expect((await readBack(server.s3, 'put')).toString()).toBe('before');
    expect(await send({ 'content-md5': known.MD5 })).toEqual([200, undefined]);
    expect((await readBack(server.s3, 'put')).toString()).toBe(text);
  });

  it('with a wrong x-amz-content-sha256 is refused', async () => {
    const other = createHash('sha256').update('other').digest('hex');
    expect(await send({ 'x-amz-content-sha256': other }, text)).toEqual([400, 'XAmzContentSHA256Mismatch']);
    expect(await send({ 'x-amz-content-sha256': other }, 'other')).toEqual([200, undefined]);
  });

  it('with two checksums, or one announced and none sent, is refused', async () => {
    const both = { 'x-amz-checksum-crc32': known.CRC32, 'x-amz-checksum-sha256': known.SHA256 };
    expect(await send(both)).toEqual([400, 'InvalidRequest']);
    expect(await send({ 'x-amz-sdk-checksum-algorithm': 'SHA256' })).toEqual([400, 'InvalidRequest']);
  });
});
