import type { IncomingMessage } from 'node:http';
import { describe, expect, it } from 'vitest';
import { decodeChunks } from '../../../../emulator/s3/chunked.ts';
import { parseRequest } from '../../../../emulator/s3/request.ts';
import { type Payload, verifySignature } from '../../../../emulator/s3/signature.ts';

/** The worked examples of AWS's page on Signature Version 4 for S3: requests and signatures that are not ours. */
const example = { accessKeyId: 'AKIAIOSFODNN7EXAMPLE', secretAccessKey: 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY' };
const date = '20130524T000000Z';
const then = Date.UTC(2013, 4, 24);
const empty = 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855';
const scope = `${example.accessKeyId}/20130524/us-east-1/s3/aws4_request`;

function verify(method: string, url: string, headers: Record<string, string>, now = then): Payload {
  const request = parseRequest({ method, url, headers } as unknown as IncomingMessage, 'id', () => {});
  return verifySignature(request, example, now);
}

function authorized(headers: Record<string, string>, signature: string): Record<string, string> {
  const all = { host: 'examplebucket.s3.amazonaws.com', 'x-amz-date': date, ...headers };
  const signed = Object.keys(all).sort().join(';');
  return {
    ...all,
    authorization: `AWS4-HMAC-SHA256 Credential=${scope},SignedHeaders=${signed},Signature=${signature}`,
  };
}

const getTest = authorized(
  { range: 'bytes=0-9', 'x-amz-content-sha256': empty },
  'f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41',
);

describe("AWS's examples", () => {
  it('GET with a range', () => expect(verify('GET', '/test.txt', getTest).hash).toBe(empty));

  it('PUT with an encoded path', () => {
    const hash = '44ce7dd67c959e0d3524ffac1771dfbba87d2b6b4b4e99e42034a8b803f8b072';
    const headers = authorized(
      {
        date: 'Fri, 24 May 2013 00:00:00 GMT',
        'x-amz-content-sha256': hash,
        'x-amz-storage-class': 'REDUCED_REDUNDANCY',
      },
      '98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd',
    );
    expect(verify('PUT', '/test%24file.text', headers).hash).toBe(hash);
  });

  it('GET of a sub-resource, and of a list', () => {
    const of = (signature: string) => authorized({ 'x-amz-content-sha256': empty }, signature);
    verify('GET', '/?lifecycle', of('fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543'));
    verify('GET', '/?max-keys=2&prefix=J', of('34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7'));
  });

  const presigned = `/test.txt?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=${encodeURIComponent(scope)}&X-Amz-Date=${date}&X-Amz-Expires=86400&X-Amz-SignedHeaders=host&X-Amz-Signature=aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404`;
  const host = { host: 'examplebucket.s3.amazonaws.com' };

  it('a presigned URL, until the very end of its time', () => {
    expect(verify('GET', presigned, host).hash).toBe('UNSIGNED-PAYLOAD');
    expect(verify('GET', presigned, host, then + 86_400_000).hash).toBe('UNSIGNED-PAYLOAD');
    expect(() => verify('GET', presigned, host, then + 86_400_001)).toThrow('Request has expired');
    expect(() => verify('GET', presigned, host, then - 900_001)).toThrow('not yet valid');
  });

  it.each([
    ['another method', 'PUT', presigned, host],
    ['another key', 'GET', presigned.replace('test.txt', 'tesu.txt'), host],
    ['a longer time', 'GET', presigned.replace('86400', '86401'), host],
    ['another host', 'GET', presigned, { host: 'examplebucket.s3.amazonaws.org' }],
    ['another query', 'GET', `${presigned}&response-content-type=text/html`, host],
    ['a cut signature', 'GET', presigned.slice(0, -1), host],
    ['another region', 'GET', presigned.replace('us-east-1', 'us-east-2'), host],
  ])('a presigned URL with %s', (_, method, url, headers) => {
    expect(() => verify(method, url, headers)).toThrow(expect.objectContaining({ code: 'SignatureDoesNotMatch' }));
  });

  it.each([
    ['no signature at all', { authorization: '' }, 'AuthorizationHeaderMalformed'],
    ['another algorithm', { authorization: 'AWS whatever' }, 'AuthorizationHeaderMalformed'],
    ['an unsigned x-amz-* header', { 'x-amz-acl': 'public-read' }, 'AccessDenied'],
    ['no word about its body', { 'x-amz-content-sha256': undefined }, 'InvalidRequest'],
    ['another word about its body', { 'x-amz-content-sha256': 'UNSIGNED-PAYLOAD' }, 'SignatureDoesNotMatch'],
    ['another value of a signed header', { range: 'bytes=0-8' }, 'SignatureDoesNotMatch'],
    ['another key id', { authorization: getTest['authorization']?.replace('AKIA', 'AKIB') }, 'InvalidAccessKeyId'],
    ['another day', { 'x-amz-date': '20130525T000000Z' }, 'AuthorizationHeaderMalformed'],
  ])('a signed request with %s is refused', (_, change, code) => {
    const headers = JSON.parse(JSON.stringify({ ...getTest, ...change }));
    expect(() => verify('GET', '/test.txt', headers)).toThrow(expect.objectContaining({ code }));
  });

  it('a signed request more than 15 minutes off is refused', () => {
    for (const skew of [900_000, -900_000]) verify('GET', '/test.txt', getTest, then + skew);
    for (const skew of [900_001, -900_001]) {
      expect(() => verify('GET', '/test.txt', getTest, then + skew)).toThrow('too large');
    }
  });
});

describe("AWS's signed streams", () => {
  const put = (hash: string, more: Record<string, string>, signature: string) =>
    authorized(
      {
        host: 's3.amazonaws.com',
        'content-encoding': 'aws-chunked',
        'x-amz-content-sha256': hash,
        'x-amz-decoded-content-length': '66560',
        'x-amz-storage-class': 'REDUCED_REDUNDANCY',
        ...more,
      },
      signature,
    );
  const plain = put(
    'STREAMING-AWS4-HMAC-SHA256-PAYLOAD',
    { 'content-length': '66824' },
    '4f232c4386841ef735655705268965c44a0e4690baa4adea153f7db9fa80a0a9',
  );
  const frame = (size: number, signature: string) =>
    `${size.toString(16)};chunk-signature=${signature}\r\n${'a'.repeat(size)}${size > 0 ? '\r\n' : ''}`;
  const chunks = [
    frame(65536, 'ad80c730a21e5b8d04586a2213dd63b9a0e99e0e2307b0ade35a65485a288648'),
    frame(1024, '0055627c9e194cb4542bae2aa5492e3c1575bbb81b612b7d234b86a503ef5497'),
    frame(0, 'b6c6ea8a5354eaf15b3cb7646744f4275b71ea724fed81ceb9323e279d449df9'),
    '\r\n',
  ];
  const trailed = put(
    'STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER',
    { 'x-amz-trailer': 'x-amz-checksum-crc32c' },
    '106e2a8a18243abcf37539882f36619c00e2dfc72633413f02d3b74544bfeb8e',
  );
  const trailedChunks = [
    frame(65536, 'b474d8862b1487a5145d686f57f013e54db672cee1c953b3010fb58501ef5aa2'),
    frame(1024, '1c1344b170168f8e65b41376b44b20fe354e373826ccbbe2c1d40a8cae51e5c7'),
    frame(0, '2ca2aba2005185cf7159c6277faf83795951dd77a3a99e6e65d5c9f85863f992'),
    'x-amz-checksum-crc32c:sOO8/Q==\r\n',
    'x-amz-trailer-signature:d81f82fc3505edab99d459891051a732e8730629a2e4a59689829ca17fe2e435\r\n',
    '\r\n',
  ];

  async function decode(payload: Payload, frames: string[], trailers = new Map<string, string>()): Promise<string> {
    const source = async function* () {
      yield Buffer.from(frames.join(''));
    };
    const pieces: Buffer[] = [];
    for await (const piece of decodeChunks(source(), payload, trailers)) pieces.push(piece);
    return Buffer.concat(pieces).toString();
  }

  it('signed chunks decode to their data', async () => {
    expect(await decode(verify('PUT', '/examplebucket/chunkObject.txt', plain), chunks)).toBe('a'.repeat(66560));
  });

  it('a changed byte, a changed signature, or a chunk left out is refused', async () => {
    const payload = verify('PUT', '/examplebucket/chunkObject.txt', plain);
    const [first = '', second = '', last = '', end = ''] = chunks;
    for (const bad of [
      [first.replace('aaa', 'aba'), second, last, end],
      [first, second.replace('=00', '=01'), last, end],
      [first, last, end],
      [second, first, last, end],
      [first.replace(/;chunk-signature=[^\r]*/, ''), second, last, end],
    ]) {
      await expect(decode(payload, bad)).rejects.toMatchObject({ code: 'SignatureDoesNotMatch' });
    }
  });

  it('a signed trailer is handed over, and refused when it was changed or is missing', async () => {
    const payload = verify('PUT', '/examplebucket/chunkObject.txt', trailed);
    const trailers = new Map<string, string>();
    expect(await decode(payload, trailedChunks, trailers)).toHaveLength(66560);
    expect(trailers.get('x-amz-checksum-crc32c')).toBe('sOO8/Q==');
    const changed = trailedChunks.map((line) => line.replace('sOO8', 'sOO9'));
    await expect(decode(payload, changed)).rejects.toMatchObject({ code: 'SignatureDoesNotMatch' });
    const left = trailedChunks.filter((line) => !line.startsWith('x-amz-trailer-signature'));
    await expect(decode(payload, left)).rejects.toMatchObject({ code: 'SignatureDoesNotMatch' });
  });
});
