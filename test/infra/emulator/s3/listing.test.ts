import { createHash } from 'node:crypto';
import {
  DeleteObjectsCommand,
  type DeleteObjectsCommandInput,
  ListObjectsV2Command,
  type ListObjectsV2CommandInput,
  PutObjectCommand,
  paginateListObjectsV2,
} from '@aws-sdk/client-s3';
import { beforeAll, describe, expect, it } from 'vitest';
import { bucket, errorCode, newClient, readBack, refusal, signedFetch, useS3Server } from './fixture.ts';

const server = useS3Server();
const put = (Key: string) => server.s3.send(new PutObjectCommand({ Bucket: bucket, Key, Body: `at ${Key}` }));
const putAll = async (keys: string[]) => {
  for (let i = 0; i < keys.length; i += 50) await Promise.all(keys.slice(i, i + 50).map(put));
};
const list = (more: Partial<ListObjectsV2CommandInput> = {}) =>
  server.s3.send(new ListObjectsV2Command({ Bucket: bucket, ...more }));
const keysOf = ({ Contents = [] }: { Contents?: { Key?: string | undefined }[] | undefined }) =>
  Contents.map(({ Key }) => Key);
const prefixesOf = ({ CommonPrefixes = [] }: { CommonPrefixes?: { Prefix?: string | undefined }[] | undefined }) =>
  CommonPrefixes.map(({ Prefix }) => Prefix);

/** All pages of a listing, as S3's pages come. */
async function pages(more: Partial<ListObjectsV2CommandInput>) {
  const all: { keys: unknown[]; prefixes: unknown[] }[] = [];
  for await (const page of paginateListObjectsV2({ client: server.s3 }, { Bucket: bucket, ...more })) {
    expect(page.KeyCount).toBe(keysOf(page).length + prefixesOf(page).length);
    all.push({ keys: keysOf(page), prefixes: prefixesOf(page) });
  }
  return all;
}

const unusual = [
  ' x ',
  'a b',
  'a+b',
  '100%',
  'é',
  'e\u0301',
  '漢字',
  '😀',
  '\uff21',
  'q"&<>\'',
  'tab\there',
  '../up',
  'a//b',
];
const byBytes = (keys: string[]) => [...keys].sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));

describe('ListObjectsV2', () => {
  beforeAll(async () => {
    await putAll(unusual.map((key) => `unusual/${key}`));
    await putAll(['tree/a', 'tree/b/1', 'tree/b/2', 'tree/b-c', 'tree/b/d/3', 'tree/c/1', 'tree/d', 'tree/é/x']);
    await putAll(Array.from({ length: 1050 }, (_, i) => `many/${String(i).padStart(4, '0')}`));
  }, 60_000);

  it('lists keys in the order of their UTF-8 bytes, as they were written', async () => {
    const expected = byBytes(unusual.map((key) => `unusual/${key}`));
    // The two orders differ: U+1F600 is behind U+FF21 in UTF-8, before it in UTF-16.
    expect(expected).not.toEqual([...expected].sort());
    expect(keysOf(await list({ Prefix: 'unusual/' }))).toEqual(expected);
    const each = (await pages({ Prefix: 'unusual/', MaxKeys: 1 })).flatMap(({ keys }) => keys);
    expect(each).toEqual(expected);
  });

  it('encodes keys on request', async () => {
    const encoded = keysOf(await list({ Prefix: 'unusual/', EncodingType: 'url' }));
    expect(encoded).toContain('unusual/a+b');
    expect(encoded).toContain('unusual/a%2Bb');
    expect(encoded).toContain('unusual/q%22%26%3C%3E%27');
    const decoded = encoded.map((key) => decodeURIComponent((key ?? '').replaceAll('+', ' ')));
    expect(decoded).toEqual(byBytes(unusual.map((key) => `unusual/${key}`)));
  });

  it('tells size, ETag, time and checksum of each', async () => {
    const { Contents } = await list({ Prefix: 'tree/a', FetchOwner: true });
    expect(Contents).toEqual([
      expect.objectContaining({
        Key: 'tree/a',
        Size: 9,
        StorageClass: 'STANDARD',
        ChecksumAlgorithm: ['CRC32'],
        ChecksumType: 'FULL_OBJECT',
        Owner: { ID: 'local' },
      }),
    ]);
    expect(Math.abs(Date.now() - Number(Contents?.[0]?.LastModified))).toBeLessThan(120_000);
  });

  it('rolls keys up at the delimiter behind the prefix', async () => {
    const page = await list({ Prefix: 'tree/', Delimiter: '/' });
    expect(keysOf(page)).toEqual(['tree/a', 'tree/b-c', 'tree/d']);
    expect(prefixesOf(page)).toEqual(['tree/b/', 'tree/c/', 'tree/é/']);
    const inner = await list({ Prefix: 'tree/b/', Delimiter: '/' });
    expect([keysOf(inner), prefixesOf(inner)]).toEqual([['tree/b/1', 'tree/b/2'], ['tree/b/d/']]);
    const longer = await list({ Prefix: 'tree', Delimiter: '/b' });
    expect(prefixesOf(longer)).toEqual(['tree/b']);
  });

  it.each([1, 2, 3, 4, 5])('pages of %i count keys and common prefixes alike, and repeat none', async (MaxKeys) => {
    const all = await pages({ Prefix: 'tree/', Delimiter: '/', MaxKeys });
    expect(all.flatMap(({ keys }) => keys)).toEqual(['tree/a', 'tree/b-c', 'tree/d']);
    expect(all.flatMap(({ prefixes }) => prefixes)).toEqual(['tree/b/', 'tree/c/', 'tree/é/']);
    expect(all).toHaveLength(Math.ceil(6 / MaxKeys));
  });

  it('comes in pages of at most 1000, whatever is asked', async () => {
    const all = await pages({ Prefix: 'many/', MaxKeys: 5000 });
    expect(all.map(({ keys }) => keys.length)).toEqual([1000, 50]);
    const first = await list({ Prefix: 'many/' });
    expect(first).toMatchObject({ KeyCount: 1000, MaxKeys: 1000, IsTruncated: true });
    expect(await list({ Prefix: 'many/', MaxKeys: 0 })).toMatchObject({ KeyCount: 0, IsTruncated: false });
  });

  it('starts after a key, which need not exist, and continues while others come and go', async () => {
    expect(keysOf(await list({ Prefix: 'tree/', StartAfter: 'tree/b/2' }))[0]).toBe('tree/b/d/3');
    expect(keysOf(await list({ Prefix: 'tree/', StartAfter: 'tree/c' }))[0]).toBe('tree/c/1');
    expect(keysOf(await list({ Prefix: 'tree/', StartAfter: 'zzz' }))).toEqual([]);
    await putAll(['live/1', 'live/2', 'live/3', 'live/4']);
    const first = await list({ Prefix: 'live/', MaxKeys: 2 });
    await server.s3.send(
      new DeleteObjectsCommand({ Bucket: bucket, Delete: { Objects: [{ Key: 'live/2' }, { Key: 'live/3' }] } }),
    );
    await putAll(['live/0', 'live/35']);
    const next = await list({ Prefix: 'live/', ContinuationToken: first.NextContinuationToken });
    expect([keysOf(first), keysOf(next)]).toEqual([
      ['live/1', 'live/2'],
      ['live/35', 'live/4'],
    ]);
  });

  it('refuses what it cannot read', async () => {
    expect(await refusal(list({ ContinuationToken: 'not one of ours!' }))).toMatchObject({ name: 'InvalidArgument' });
    expect(await refusal(list({ MaxKeys: -1 }))).toMatchObject({ name: 'InvalidArgument' });
    const elsewhere = server.s3.send(new ListObjectsV2Command({ Bucket: 'no-such-bucket' }));
    expect(await refusal(elsewhere)).toMatchObject({ name: 'NoSuchBucket' });
  });
});

describe('DeleteObjects', () => {
  const remove = (Delete: DeleteObjectsCommandInput['Delete']) =>
    server.s3.send(new DeleteObjectsCommand({ Bucket: bucket, Delete }));
  const sorted = (items: { Key?: string | undefined }[] = []) => items.map(({ Key }) => Key).sort();

  it('deletes unusual keys, and says so of those that were not there, too', async () => {
    const keys = unusual.map((key) => `gone/${key}`);
    await putAll([...keys, 'gone-not']);
    const { Deleted, Errors } = await remove({ Objects: [...keys, 'gone/never'].map((Key) => ({ Key })) });
    expect([sorted(Deleted), Errors]).toEqual([[...keys, 'gone/never'].sort(), undefined]);
    expect(keysOf(await list({ Prefix: 'gone' }))).toEqual(['gone-not']);
    expect((await readBack(server.s3, 'gone-not')).toString()).toBe('at gone-not');
  });

  it('is silent about success when quiet, and lists what failed without stopping', async () => {
    await putAll(['quiet/1', 'quiet/2']);
    const Objects = [{ Key: 'quiet/1', ETag: '"other"' }, { Key: 'quiet/2' }];
    const { Deleted, Errors } = await remove({ Objects, Quiet: true });
    expect(Deleted).toBeUndefined();
    expect(Errors).toEqual([expect.objectContaining({ Key: 'quiet/1', Code: 'PreconditionFailed' })]);
    expect(keysOf(await list({ Prefix: 'quiet/' }))).toEqual(['quiet/1']);
  });

  it('takes 1000 keys and no more', async () => {
    const keys = Array.from({ length: 1000 }, (_, i) => `thousand/${i}`);
    await put('thousand/7');
    const { Deleted } = await remove({ Objects: keys.map((Key) => ({ Key })) });
    expect(Deleted).toHaveLength(1000);
    expect(await refusal(readBack(server.s3, 'thousand/7'))).toMatchObject({ name: 'NoSuchKey' });
    const tooMany = remove({ Objects: [...keys, 'one more'].map((Key) => ({ Key })) });
    expect(await refusal(tooMany)).toMatchObject({ name: 'MalformedXML', status: 400 });
  });

  it('deletes nothing when its list is damaged, vouched for by nobody, or no list', async () => {
    await put('kept');
    const url = `${server.endpoint}/${bucket}?delete`;
    const body = '<Delete><Object><Key>kept</Key></Object></Delete>';
    const send = async (headers: Record<string, string>, text = body) => {
      const response = await signedFetch(url, { method: 'POST', body: text, headers });
      return [response.status, await errorCode(response)];
    };
    expect(await send({})).toEqual([400, 'InvalidRequest']);
    expect(await send({ 'content-md5': 'AAAAAAAAAAAAAAAAAAAAAA==' })).toEqual([400, 'BadDigest']);
    expect(await send({ 'x-amz-checksum-crc32': 'AAAAAA==' })).toEqual([400, 'BadDigest']);
    const md5 = (text: string) => ({ 'content-md5': createHash('md5').update(text).digest('base64') });
    expect(await send(md5(''), '')).toEqual([400, 'MissingRequestBodyError']);
    for (const text of ['<Delete>', '<Delete/>', '<Other/>', 'Delete', '<Delete><Object/></Delete>']) {
      expect([text, ...(await send(md5(text), text))]).toEqual([text, 400, 'MalformedXML']);
    }
    expect((await readBack(server.s3, 'kept')).toString()).toBe('at kept');
    expect(await send(md5(body))).toEqual([200, undefined]);
    expect(await refusal(readBack(server.s3, 'kept'))).toMatchObject({ name: 'NoSuchKey' });
  });

  it('works without the checksums that the SDK adds of itself', async () => {
    await put('plain');
    const plain = newClient(server.endpoint, { requestChecksumCalculation: 'WHEN_REQUIRED' });
    await plain.send(new DeleteObjectsCommand({ Bucket: bucket, Delete: { Objects: [{ Key: 'plain' }] } }));
    plain.destroy();
    expect(await refusal(readBack(server.s3, 'plain'))).toMatchObject({ name: 'NoSuchKey' });
  });
});
