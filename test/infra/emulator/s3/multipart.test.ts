import { createHash, randomBytes } from 'node:crypto';
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import {
  AbortMultipartUploadCommand,
  type ChecksumAlgorithm,
  type ChecksumType,
  type CompletedPart,
  CompleteMultipartUploadCommand,
  type CompleteMultipartUploadCommandInput,
  CreateMultipartUploadCommand,
  DeleteObjectCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListMultipartUploadsCommand,
  ListPartsCommand,
  UploadPartCommand,
} from '@aws-sdk/client-s3';
import { beforeAll, describe, expect, it } from 'vitest';
import { bucket, newClient, readBack, refusal, useS3Server } from './fixture.ts';
import { onOurs } from './versity.ts';

const server = useS3Server();
const MiB = 1024 ** 2;
const bodies = [randomBytes(5 * MiB), randomBytes(5 * MiB + 1), randomBytes(100)];
const whole = Buffer.concat(bodies);
const digest = (algorithm: string, data: Buffer) => createHash(algorithm).update(data).digest();
const wholeEtag = `"${digest('md5', Buffer.concat(bodies.map((body) => digest('md5', body)))).toString('hex')}-3"`;
const composite = `${digest('sha256', Buffer.concat(bodies.map((body) => digest('sha256', body)))).toString('base64')}-3`;

const create = async (Key: string, ChecksumAlgorithm?: ChecksumAlgorithm, ChecksumType?: ChecksumType) => {
  const input = { Bucket: bucket, Key, ChecksumAlgorithm, ChecksumType, ContentType: 'text/x', Metadata: { a: 'b' } };
  const { UploadId } = await server.s3.send(new CreateMultipartUploadCommand(input));
  return { Bucket: bucket, Key, UploadId };
};
type Begun = Awaited<ReturnType<typeof create>>;

async function uploadPart(begun: Begun, PartNumber: number, Body: Buffer | string, algorithm?: ChecksumAlgorithm) {
  const command = new UploadPartCommand({ ...begun, PartNumber, Body, ChecksumAlgorithm: algorithm });
  const { $metadata, ServerSideEncryption, ...part } = await server.s3.send(command);
  return { PartNumber, ...part } satisfies CompletedPart;
}

const complete = (begun: Begun, Parts: CompletedPart[], more: Partial<CompleteMultipartUploadCommandInput> = {}) =>
  server.s3.send(new CompleteMultipartUploadCommand({ ...begun, MultipartUpload: { Parts }, ...more }));
const abort = (begun: Begun) => server.s3.send(new AbortMultipartUploadCommand(begun));
const head = (Key: string, more: object = {}) =>
  server.s3.send(new HeadObjectCommand({ Bucket: bucket, Key, ChecksumMode: 'ENABLED', ...more }));

describe('an upload in parts', () => {
  let parts: CompletedPart[];
  beforeAll(async () => {
    const begun = await create('parts', 'SHA256');
    const uploaded = bodies.map((body, i) => uploadPart(begun, i + 1, body, 'SHA256'));
    parts = await Promise.all(uploaded);
    const result = await complete(begun, parts, { ChecksumSHA256: composite, MpuObjectSize: whole.length });
    expect(result).toMatchObject({ ETag: wholeEtag, ChecksumSHA256: composite, ChecksumType: 'COMPOSITE' });
  });

  it('is one object, with the ETag and the composite checksum of its parts', async () => {
    expect((await readBack(server.s3, 'parts')).equals(whole)).toBe(true);
    expect(await head('parts')).toMatchObject({
      ETag: wholeEtag,
      ContentLength: whole.length,
      ChecksumSHA256: composite,
      ChecksumType: 'COMPOSITE',
      ContentType: 'text/x',
      Metadata: { a: 'b' },
    });
    expect(parts.map(({ ChecksumSHA256 }) => ChecksumSHA256)).toEqual(
      bodies.map((body) => digest('sha256', body).toString('base64')),
    );
  });

  it('reads in ranges across its parts', async () => {
    const edge = 5 * MiB;
    for (const [from, to] of [
      [0, 0],
      [edge - 1, edge],
      [edge - 3, 2 * edge + 50],
      [whole.length - 1, whole.length - 1],
    ] as const) {
      const { Body } = await server.s3.send(
        new GetObjectCommand({ Bucket: bucket, Key: 'parts', Range: `bytes=${from}-${to}` }),
      );
      const read = Buffer.from((await Body?.transformToByteArray()) ?? []);
      expect(read.equals(whole.subarray(from, to + 1))).toBe(true);
    }
  });

  it('reads by part number, with the checksum of the part', async () => {
    for (const [i, body] of bodies.entries()) {
      const { Body, ...found } = await server.s3.send(
        new GetObjectCommand({ Bucket: bucket, Key: 'parts', PartNumber: i + 1, ChecksumMode: 'ENABLED' }),
      );
      expect(Buffer.from((await Body?.transformToByteArray()) ?? []).equals(body)).toBe(true);
      expect(found).toMatchObject({ PartsCount: 3, ChecksumSHA256: parts[i]?.ChecksumSHA256 });
    }
    expect(await refusal(head('parts', { PartNumber: 4 }))).toMatchObject({ status: 416 });
  });

  it.runIf(onOurs)('is read to its end though it is deleted meanwhile, and only then gone from the disk', async () => {
    const begun = await create('read-while-deleted');
    const large = [randomBytes(12 * MiB), randomBytes(12 * MiB)] as const;
    const uploaded = [await uploadPart(begun, 1, large[0]), await uploadPart(begun, 2, large[1])];
    await complete(begun, uploaded);
    const sizesOnDisk = async () => {
      const folder = join(server.folder, bucket, 'blobs');
      return Promise.all((await readdir(folder)).map(async (name) => (await stat(join(folder, name))).size));
    };
    const { Body } = await server.s3.send(new GetObjectCommand({ Bucket: bucket, Key: begun.Key }));
    await server.s3.send(new DeleteObjectCommand({ Bucket: bucket, Key: begun.Key }));
    const read = Buffer.from((await Body?.transformToByteArray()) ?? []);
    expect(read.equals(Buffer.concat(large))).toBe(true);
    expect(await refusal(head(begun.Key))).toMatchObject({ name: 'NotFound' });
    await expect.poll(sizesOnDisk).not.toContain(12 * MiB);
  });

  it('is over once it is complete', async () => {
    const begun = await create('over');
    const only = [await uploadPart(begun, 1, 'a')];
    await complete(begun, only);
    for (const late of [() => complete(begun, only), () => uploadPart(begun, 2, 'b'), () => abort(begun)]) {
      expect(await refusal(late())).toMatchObject({ name: 'NoSuchUpload', status: 404 });
    }
    expect((await readBack(server.s3, 'over')).toString()).toBe('a');
  });
});

describe('completing', () => {
  it('the same upload many times at once succeeds once, also while its checksum is computed', async () => {
    for (const [algorithm, type] of [
      ['SHA256', 'COMPOSITE'],
      ['CRC32', 'FULL_OBJECT'],
    ] as const) {
      const begun = await create(`at-once-${type}`, algorithm, type);
      const parts = [await uploadPart(begun, 1, 'bytes', algorithm)];
      const outcomes = await Promise.all(
        Array.from({ length: 10 }, () =>
          complete(begun, parts).then(
            () => 'done',
            (cause: Error) => cause.name,
          ),
        ),
      );
      expect(outcomes.sort()).toEqual([...Array(9).fill('NoSuchUpload'), 'done']);
      expect((await readBack(server.s3, begun.Key)).toString()).toBe('bytes');
    }
  });
});

describe('completing is refused', () => {
  it('with a part below 5 MiB that is not the last, and can be mended', async () => {
    const begun = await create('small');
    const small = await uploadPart(begun, 1, Buffer.alloc(5 * MiB - 1));
    const last = await uploadPart(begun, 2, 'the end');
    expect(await refusal(complete(begun, [small, last]))).toMatchObject({ name: 'EntityTooSmall', status: 400 });
    expect(await refusal(head('small'))).toMatchObject({ name: 'NotFound' });
    const mended = await uploadPart(begun, 1, Buffer.alloc(5 * MiB, 'x'));
    await complete(begun, [mended, last]);
    expect((await readBack(server.s3, 'small')).toString()).toBe(`${'x'.repeat(5 * MiB)}the end`);
  });

  it('with parts that are unknown, changed, out of order or missing', async () => {
    const begun = await create('wrong', 'SHA256');
    const one = await uploadPart(begun, 1, bodies[0] as Buffer, 'SHA256');
    const two = await uploadPart(begun, 2, 'end', 'SHA256');
    const bare = ({ PartNumber, ETag }: CompletedPart) => ({ PartNumber, ETag });
    const cases: [string, CompletedPart[]][] = [
      ['InvalidPart', [one, { ...two, PartNumber: 3 }]],
      ['InvalidPart', [one, { ...two, ETag: one.ETag }]],
      ['InvalidPart', [one, { ...two, ChecksumSHA256: one.ChecksumSHA256 }]],
      ['InvalidPartOrder', [two, one]],
      ['InvalidPartOrder', [one, one]],
      ['InvalidRequest', [bare(one), bare(two)]],
      ['InvalidPartOrder', [two]],
      ['MalformedXML', []],
    ];
    for (const [name, parts] of cases)
      expect(await refusal(complete(begun, parts))).toMatchObject({ name, status: 400 });
    expect(await refusal(complete(begun, [one, two], { MpuObjectSize: 1 }))).toMatchObject({ name: 'InvalidRequest' });
    expect(await refusal(complete(begun, [one, two], { ChecksumSHA256: composite }))).toMatchObject({
      name: 'BadDigest',
    });
    expect(await refusal(head('wrong'))).toMatchObject({ name: 'NotFound' });
    await complete(begun, [one, two]);
    expect((await readBack(server.s3, 'wrong')).equals(Buffer.concat([bodies[0] as Buffer, Buffer.from('end')]))).toBe(
      true,
    );
  });

  it('for an upload that is unknown, or of another key', async () => {
    const begun = await create('here');
    const part = await uploadPart(begun, 1, 'a');
    for (const other of [
      { ...begun, Key: 'there' },
      { ...begun, UploadId: '../../x' },
    ]) {
      expect(await refusal(complete(other, [part]))).toMatchObject({ name: 'NoSuchUpload' });
      expect(await refusal(uploadPart(other, 1, 'a'))).toMatchObject({ name: 'NoSuchUpload' });
    }
    await abort(begun);
  });
});

describe('a part', () => {
  it('is replaced by the same number again', async () => {
    const begun = await create('again');
    await uploadPart(begun, 1, 'first');
    const second = await uploadPart(begun, 1, 'second');
    await complete(begun, [second]);
    expect((await readBack(server.s3, 'again')).toString()).toBe('second');
  });

  it('must have the checksum that the upload asks for, and be right', async () => {
    const begun = await create('strict', 'SHA256');
    expect(await refusal(uploadPart(begun, 1, 'a', 'CRC32'))).toMatchObject({ name: 'InvalidRequest', status: 400 });
    const plain = newClient(server.endpoint, { requestChecksumCalculation: 'WHEN_REQUIRED' });
    const part = { ...begun, PartNumber: 1, Body: 'a' };
    expect(await refusal(plain.send(new UploadPartCommand(part)))).toMatchObject({ name: 'InvalidRequest' });
    const wrong = new UploadPartCommand({
      ...part,
      ChecksumSHA256: digest('sha256', Buffer.from('b')).toString('base64'),
    });
    expect(await refusal(plain.send(wrong))).toMatchObject({ name: 'BadDigest', status: 400 });
    expect((await server.s3.send(new ListPartsCommand(begun))).Parts).toBeUndefined();
    plain.destroy();
    await abort(begun);
  });

  it('of an upload without checksum may have a CRC32 of the SDK, which completing must repeat', async () => {
    const begun = await create('loose');
    expect(await refusal(uploadPart(begun, 1, 'a', 'SHA256'))).toMatchObject({ name: 'InvalidRequest' });
    const { PartNumber, ETag, ChecksumCRC32 } = await uploadPart(begun, 1, 'a');
    expect(ChecksumCRC32).toBeTruthy();
    expect(await refusal(complete(begun, [{ PartNumber, ETag }]))).toMatchObject({ name: 'InvalidPart' });
    await complete(begun, [{ PartNumber, ETag, ChecksumCRC32 }]);
    expect((await head('loose')).ChecksumCRC32).toBeUndefined();
    expect((await readBack(server.s3, 'loose')).toString()).toBe('a');
  });

  it('has a number from 1 to 10000', async () => {
    const begun = await create('numbers', 'CRC32');
    for (const number of [0, 10_001, -1]) {
      expect(await refusal(uploadPart(begun, number, 'a', 'CRC32'))).toMatchObject({ name: 'InvalidArgument' });
    }
    const last = await uploadPart(begun, 10_000, 'a', 'CRC32');
    expect(await refusal(complete(begun, [last]))).toMatchObject({ name: 'InvalidPartOrder', status: 400 });
    await abort(begun);
  });
});

describe('a checksum of the full object', () => {
  it.each(['CRC32', 'CRC32C', 'CRC64NVME'] as const)('is computed over all parts with %s', async (algorithm) => {
    const begun = await create(`full-${algorithm}`, algorithm, 'FULL_OBJECT');
    const parts = await Promise.all(bodies.map((body, i) => uploadPart(begun, i + 1, body, algorithm)));
    const name = `Checksum${algorithm}` as const;
    const wrong = { [name]: Buffer.alloc(algorithm === 'CRC64NVME' ? 8 : 4).toString('base64') };
    expect(await refusal(complete(begun, parts, wrong))).toMatchObject({ name: 'BadDigest' });
    await complete(begun, parts);
    const found = await head(begun.Key);
    expect(found.ChecksumType).toBe('FULL_OBJECT');
    if (algorithm === 'CRC32')
      expect(Buffer.from(found.ChecksumCRC32 ?? '', 'base64').readUInt32BE()).toBe(crc32(whole));
    // The SDK compares the bytes with the checksum while it reads.
    expect((await readBack(server.s3, begun.Key)).equals(whole)).toBe(true);
  });

  it('is refused for SHA-256, and so is a composite CRC64NVME', async () => {
    expect(await refusal(create('x', 'SHA256', 'FULL_OBJECT'))).toMatchObject({ name: 'InvalidRequest' });
    expect(await refusal(create('x', 'CRC64NVME', 'COMPOSITE'))).toMatchObject({ name: 'InvalidRequest' });
  });
});

describe('lists', () => {
  it('show parts in pages and uploads by key, until they are aborted', async () => {
    const begun = await create('listed/b', 'SHA256');
    for (const number of [3, 1, 2]) await uploadPart(begun, number, `part ${number}`, 'SHA256');
    const first = await server.s3.send(new ListPartsCommand({ ...begun, MaxParts: 2 }));
    expect(first.Parts?.map(({ PartNumber, Size }) => [PartNumber, Size])).toEqual([
      [1, 6],
      [2, 6],
    ]);
    expect(first).toMatchObject({ IsTruncated: true, NextPartNumberMarker: '2', ChecksumAlgorithm: 'SHA256' });
    expect(first.Parts?.[0]?.ChecksumSHA256).toBe(digest('sha256', Buffer.from('part 1')).toString('base64'));
    const next = await server.s3.send(new ListPartsCommand({ ...begun, PartNumberMarker: '2' }));
    expect([next.Parts?.map(({ PartNumber }) => PartNumber), next.IsTruncated]).toEqual([[3], false]);

    const others = [await create('listed/a'), await create('listed/a'), await create('listed/c')];
    const keys = async (more: object) => {
      const list = await server.s3.send(
        new ListMultipartUploadsCommand({ Bucket: bucket, Prefix: 'listed/', ...more }),
      );
      return { ...list, keys: list.Uploads?.map(({ Key }) => Key) ?? [] };
    };
    const page = await keys({ MaxUploads: 1 });
    expect(page).toMatchObject({ keys: ['listed/a'], IsTruncated: true, NextKeyMarker: 'listed/a' });
    const rest = await keys({ KeyMarker: page.NextKeyMarker, UploadIdMarker: page.NextUploadIdMarker });
    expect(rest.keys).toEqual(['listed/a', 'listed/b', 'listed/c']);
    for (const one of [begun, ...others]) await abort(one);
    expect((await keys({})).keys).toEqual([]);
    expect(await refusal(server.s3.send(new ListPartsCommand(begun)))).toMatchObject({ name: 'NoSuchUpload' });
  });
});
