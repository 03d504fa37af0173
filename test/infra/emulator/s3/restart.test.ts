import { randomBytes } from 'node:crypto';
import { cp, mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  CompleteMultipartUploadCommand,
  CopyObjectCommand,
  CreateBucketCommand,
  CreateMultipartUploadCommand,
  GetObjectCommand,
  GetObjectTaggingCommand,
  HeadBucketCommand,
  HeadObjectCommand,
  ListMultipartUploadsCommand,
  ListObjectsV2Command,
  ListPartsCommand,
  PutObjectCommand,
  UploadPartCommand,
} from '@aws-sdk/client-s3';
import { afterEach, describe, expect, it } from 'vitest';
import { startS3Server } from '../../../../emulator/s3/server.ts';
import { Store } from '../../../../emulator/s3/store.ts';
import { startChildServer } from './child.ts';
import { bucket, newClient, readBack, refusal, useS3Server } from './fixture.ts';
import { onOurs } from './versity.ts';

const MiB = 1024 ** 2;
const server = useS3Server();
const put = (Key: string, Body: string | Buffer) => server.s3.send(new PutObjectCommand({ Bucket: bucket, Key, Body }));
const blobs = (folder = server.folder) => readdir(join(folder, bucket, 'blobs'));

async function beginUpload(Key: string) {
  const { UploadId } = await server.s3.send(
    new CreateMultipartUploadCommand({ Bucket: bucket, Key, ChecksumAlgorithm: 'SHA256' }),
  );
  return { Bucket: bucket, Key, UploadId };
}

async function sendPart(upload: Awaited<ReturnType<typeof beginUpload>>, PartNumber: number, Body: Buffer) {
  const command = new UploadPartCommand({ ...upload, PartNumber, Body, ChecksumAlgorithm: 'SHA256' });
  const { ETag, ChecksumSHA256 } = await server.s3.send(command);
  return { PartNumber, ETag, ChecksumSHA256 };
}

describe('after a restart', () => {
  it('everything is as it was: bytes, headers, metadata, tags, checksums, order, buckets', async () => {
    await server.s3.send(new CreateBucketCommand({ Bucket: 'tenure-kept' }));
    const body = randomBytes(100_000);
    await server.s3.send(
      new PutObjectCommand({
        Bucket: bucket,
        Key: 'kept/é +%/../x',
        Body: body,
        ContentType: 'text/kept',
        Metadata: { a: 'b' },
        Tagging: 'c=d',
        ChecksumAlgorithm: 'SHA256',
      }),
    );
    await server.s3.send(
      new CopyObjectCommand({
        Bucket: bucket,
        Key: 'kept/copy',
        CopySource: `${bucket}/${encodeURIComponent('kept/é +%/../x')}`,
      }),
    );
    const upload = await beginUpload('kept/parts');
    const pieces = [randomBytes(5 * MiB), randomBytes(10)] as const;
    const Parts = [await sendPart(upload, 1, pieces[0]), await sendPart(upload, 2, pieces[1])];
    await server.s3.send(new CompleteMultipartUploadCommand({ ...upload, MultipartUpload: { Parts } }));

    const look = async () => ({
      heads: await Promise.all(
        ['kept/é +%/../x', 'kept/copy', 'kept/parts'].map(async (Key) => {
          const command = new HeadObjectCommand({ Bucket: bucket, Key, ChecksumMode: 'ENABLED' });
          const { $metadata, ...head } = await server.s3.send(command);
          return head;
        }),
      ),
      tags: (await server.s3.send(new GetObjectTaggingCommand({ Bucket: bucket, Key: 'kept/copy' }))).TagSet,
      list: (await server.s3.send(new ListObjectsV2Command({ Bucket: bucket }))).Contents,
    });
    const before = await look();
    const { LastModified } = before.heads[0] ?? {};
    expect(before.list?.some((item) => Number(item.LastModified) === Number(LastModified))).toBe(true);
    await server.restart();
    expect(await look()).toEqual(before);
    expect((await readBack(server.s3, 'kept/é +%/../x')).equals(body)).toBe(true);
    expect((await readBack(server.s3, 'kept/parts')).equals(Buffer.concat(pieces))).toBe(true);
    await server.s3.send(new HeadBucketCommand({ Bucket: 'tenure-kept' }));
  });

  it('an upload continues, and conditions hold', async () => {
    const upload = await beginUpload('resumed');
    const pieces = [randomBytes(5 * MiB), randomBytes(10)] as const;
    const first = await sendPart(upload, 1, pieces[0]);
    await server.restart();
    const { Parts } = await server.s3.send(new ListPartsCommand(upload));
    expect(Parts).toEqual([expect.objectContaining({ ...first, Size: 5 * MiB })]);
    const second = await sendPart(upload, 2, pieces[1]);
    const MultipartUpload = { Parts: [first, second] };
    await server.s3.send(new CompleteMultipartUploadCommand({ ...upload, MultipartUpload, IfNoneMatch: '*' }));
    await server.restart();
    expect((await readBack(server.s3, 'resumed')).equals(Buffer.concat(pieces))).toBe(true);
    const again = server.s3.send(new PutObjectCommand({ Bucket: bucket, Key: 'resumed', Body: '', IfNoneMatch: '*' }));
    expect(await refusal(again)).toMatchObject({ name: 'PreconditionFailed' });
  });
});

describe.runIf(onOurs)('leftovers of a crash', () => {
  it('between the record of an object and the end of its upload is tidied up: the object exists, the upload is over', async () => {
    const upload = await beginUpload('crashed');
    const body = randomBytes(1000);
    const part = await sendPart(upload, 1, body);
    const folder = join(server.folder, bucket, 'uploads', upload.UploadId ?? '');
    const saved = await mkdtemp(join(tmpdir(), 'tenure-s3-saved-'));
    await cp(folder, saved, { recursive: true });
    await server.s3.send(new CompleteMultipartUploadCommand({ ...upload, MultipartUpload: { Parts: [part] } }));
    await cp(saved, folder, { recursive: true });
    await rm(saved, { recursive: true });
    await server.restart();
    expect((await readBack(server.s3, 'crashed')).equals(body)).toBe(true);
    const { Uploads } = await server.s3.send(new ListMultipartUploadsCommand({ Bucket: bucket, Prefix: 'crashed' }));
    expect(Uploads).toBeUndefined();
  });

  it('– half-written records, blobs without record, unfinished buckets – is gone after the next start', async () => {
    await put('witness', 'witness');
    const before = await blobs();
    const home = join(server.folder, bucket);
    await writeFile(join(home, 'blobs', 'nobody-names-me'), 'rubbish');
    await writeFile(join(home, 'objects', 'abc.json.1.tmp'), '{"key":"half');
    await mkdir(join(home, 'uploads', 'no-record'));
    await writeFile(join(home, 'uploads', 'no-record', '1.json'), '{}');
    const unfinished = ['.new-2b1c0e5e-0000-4000-8000-000000000000', '.gone-2b1c0e5e-0000-4000-8000-000000000000'];
    for (const name of unfinished) await mkdir(join(server.folder, name));
    await server.restart();
    expect((await blobs()).sort()).toEqual(before.sort());
    expect((await readdir(join(home, 'objects'))).filter((name) => name.endsWith('.tmp'))).toEqual([]);
    expect(await readdir(join(home, 'uploads'))).not.toContain('no-record');
    const folders = await readdir(server.folder);
    expect(folders.filter((name) => unfinished.includes(name))).toEqual([]);
    expect((await readBack(server.s3, 'witness')).toString()).toBe('witness');
  });

  it('as a damaged record is no reason to guess: the start fails and names it', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'tenure-s3-damaged-'));
    const store = await Store.open(folder);
    store.createBucket('damaged', 0);
    const path = join(folder, 'damaged', 'objects', 'x.json');
    await writeFile(path, '{"key":');
    await expect(startS3Server({ folder })).rejects.toThrow(path);
    await rm(folder, { recursive: true });
  });
});

describe('SIGKILL in the middle of everything', () => {
  const cleanUp: (() => Promise<unknown>)[] = [];
  afterEach(async () => {
    for (const one of cleanUp.splice(0)) await one();
  });

  it('loses nothing that was acknowledged, and leaves no half object and no rubbish', { timeout: 60_000 }, async () => {
    const folder = await mkdtemp(join(tmpdir(), 'tenure-s3-killed-'));
    cleanUp.push(() => rm(folder, { recursive: true }));
    const versions = new Map<string, { acknowledged: number; sent: number }>();
    const bodyOf = (key: string, version: number) => `${key} version ${version};`.repeat(5_000);
    for (let round = 0; round < 4; round++) {
      const child = await startChildServer(folder);
      const s3 = newClient(child.endpoint, { maxAttempts: 1 });
      await s3.send(new CreateBucketCommand({ Bucket: bucket }));
      let writes = 0;
      let enough = () => {};
      const written = new Promise<void>((resolve) => {
        enough = resolve;
      });
      const writer = async (key: string) => {
        const state = versions.get(key) ?? { acknowledged: 0, sent: 0 };
        versions.set(key, state);
        for (;;) {
          state.sent += 1;
          await s3.send(new PutObjectCommand({ Bucket: bucket, Key: key, Body: bodyOf(key, state.sent) }));
          state.acknowledged = state.sent;
          writes += 1;
          if (writes === 40 + 23 * round) enough();
        }
      };
      const writers = Array.from({ length: 8 }, (_, i) => writer(`key ${i}`));
      await Promise.race([written, Promise.all(writers)]);
      await child.kill();
      await Promise.allSettled(writers);
      s3.destroy();

      const survivor = await startS3Server({ folder });
      const reader = newClient(survivor.endpoint);
      for (const [key, state] of versions) {
        const { Body } = await reader.send(new GetObjectCommand({ Bucket: bucket, Key: key }));
        const text = await Body?.transformToString();
        const found = [state.acknowledged, state.sent].find((version) => bodyOf(key, version) === text);
        expect(found, `${key} holds its last acknowledged version or the one that was under way`).toBeDefined();
        state.acknowledged = state.sent = found ?? 0;
      }
      expect(await blobs(folder)).toHaveLength(versions.size);
      reader.destroy();
      await survivor.stop();
    }
  });
});

describe('the folder', () => {
  it('takes no bucket whose name would lead out of it', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'tenure-s3-names-'));
    const store = await Store.open(folder);
    for (const name of ['..', '.', '../x', 'a/b', '/tmp', 'a\0b', '']) {
      expect(() => store.createBucket(name, 0)).toThrow(expect.objectContaining({ code: 'InvalidBucketName' }));
    }
    expect(await readdir(folder)).toEqual([]);
    await rm(folder, { recursive: true });
  });

  it.runIf(onOurs)('holds no name that comes from a key', async () => {
    await put('../../escape', 'x');
    await put('sub/folder', 'x');
    const names = await readdir(join(server.folder, bucket, 'objects'));
    expect(names.every((name) => /^[0-9a-f]{64}\.json$/.test(name))).toBe(true);
  });
});
