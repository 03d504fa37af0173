import { randomUUID } from 'node:crypto';
import { request as httpRequest } from 'node:http';
import { setTimeout as pause } from 'node:timers/promises';
import {
  CompleteMultipartUploadCommand,
  CopyObjectCommand,
  CreateMultipartUploadCommand,
  DeleteObjectCommand,
  ListMultipartUploadsCommand,
  PutObjectCommand,
  type PutObjectCommandInput,
  UploadPartCommand,
} from '@aws-sdk/client-s3';
import { AwsClient } from 'aws4fetch';
import { describe, expect, it } from 'vitest';
import { sizes } from '../../../sizes.ts';
import { bucket, credentials, readBack, refusal, useS3Server } from './fixture.ts';
import { onOurs } from './versity.ts';

const server = useS3Server();
const put = (Key: string, Body: string, more: Partial<PutObjectCommandInput> = {}) =>
  server.s3.send(new PutObjectCommand({ Bucket: bucket, Key, Body, ...more }));
const remove = (Key: string, IfMatch?: string) =>
  server.s3.send(new DeleteObjectCommand({ Bucket: bucket, Key, ...(IfMatch !== undefined && { IfMatch }) }));
const lost = { name: 'PreconditionFailed', status: 412 };

async function upload(Key: string, Body: string) {
  const { UploadId } = await server.s3.send(new CreateMultipartUploadCommand({ Bucket: bucket, Key }));
  const part = { Bucket: bucket, Key, UploadId, PartNumber: 1 };
  const { ETag, ChecksumCRC32 } = await server.s3.send(new UploadPartCommand({ ...part, Body }));
  const MultipartUpload = { Parts: [{ PartNumber: 1, ETag, ChecksumCRC32 }] };
  return { Bucket: bucket, Key, UploadId, MultipartUpload };
}

/** Lets all write at once; returns the index of the only one that succeeded. */
async function onlyWinner(writes: Promise<unknown>[]): Promise<number> {
  const outcomes = await Promise.allSettled(writes);
  const winners = outcomes.flatMap(({ status }, i) => (status === 'fulfilled' ? [i] : []));
  for (const outcome of outcomes) {
    if (outcome.status === 'rejected') expect(await refusal(Promise.reject(outcome.reason))).toMatchObject(lost);
  }
  expect(winners).toHaveLength(1);
  return winners[0] as number;
}

describe('If-None-Match: *', () => {
  it('writes once, then refuses and leaves the object', async () => {
    await put('once', 'first', { IfNoneMatch: '*' });
    expect(await refusal(put('once', 'second', { IfNoneMatch: '*' }))).toMatchObject(lost);
    expect((await readBack(server.s3, 'once')).toString()).toBe('first');
    await remove('once');
    await put('once', 'third', { IfNoneMatch: '*' });
    expect((await readBack(server.s3, 'once')).toString()).toBe('third');
  });

  it('takes no ETag, as in S3', async () => {
    expect(await refusal(put('other', 'a', { IfNoneMatch: '"etag"' }))).toMatchObject({ name: 'NotImplemented' });
  });

  it(`lets exactly one of ${sizes.s3.racingWriters} racing writers win, and its bytes stay`, async () => {
    for (let round = 0; round < 5; round++) {
      const key = `race-${round}`;
      const bodies = Array.from({ length: sizes.s3.racingWriters }, (_, i) => `writer ${i} `.repeat(1 + i * 500));
      const winner = await onlyWinner(bodies.map((body) => put(key, body, { IfNoneMatch: '*' })));
      expect((await readBack(server.s3, key)).toString()).toBe(bodies[winner]);
    }
  });

  it(`lets exactly one of ${sizes.s3.racingWriters} racing uploads complete; the others can still be aborted`, async () => {
    const count = sizes.s3.racingWriters;
    const uploads = await Promise.all(Array.from({ length: count }, (_, i) => upload('race', `upload ${i}`)));
    const completed = uploads.map((input) =>
      server.s3.send(new CompleteMultipartUploadCommand({ ...input, IfNoneMatch: '*' })),
    );
    const winner = await onlyWinner(completed);
    expect((await readBack(server.s3, 'race')).toString()).toBe(`upload ${winner}`);
    const { Uploads } = await server.s3.send(new ListMultipartUploadsCommand({ Bucket: bucket, Prefix: 'race' }));
    const left = uploads.filter((_, i) => i !== winner).map(({ UploadId }) => UploadId);
    expect(Uploads?.map(({ UploadId }) => UploadId).sort()).toEqual(left.sort());
  });

  it('holds for copies', async () => {
    await put('from', 'from');
    const copy = () =>
      server.s3.send(
        new CopyObjectCommand({ Bucket: bucket, Key: 'to', CopySource: `${bucket}/from`, IfNoneMatch: '*' }),
      );
    await onlyWinner([copy(), copy(), copy()]);
    expect((await readBack(server.s3, 'to')).toString()).toBe('from');
  });
});

describe('If-Match', () => {
  it('replaces only what has the ETag, and returns NoSuchKey when no object exists', async () => {
    expect(await refusal(put('swap', 'a', { IfMatch: '"x"' }))).toMatchObject({ name: 'NoSuchKey', status: 404 });
    const { ETag } = await put('swap', 'one');
    expect(await refusal(put('swap', 'two', { IfMatch: '"other"' }))).toMatchObject(lost);
    await put('swap', 'two', { IfMatch: ETag });
    expect(await refusal(put('swap', 'three', { IfMatch: ETag }))).toMatchObject(lost);
    expect((await readBack(server.s3, 'swap')).toString()).toBe('two');
  });

  it('lets exactly one of many swaps of the same version win', async () => {
    const { ETag } = await put('swaps', 'start');
    const bodies = Array.from({ length: sizes.s3.racingWriters }, () => randomUUID());
    const winner = await onlyWinner(bodies.map((body) => put('swaps', body, { IfMatch: ETag })));
    expect((await readBack(server.s3, 'swaps')).toString()).toBe(bodies[winner]);
  });

  it('holds for a completed upload, which stays when it is lost', async () => {
    const { ETag } = await put('upload', 'before');
    const input = await upload('upload', 'after');
    const complete = (IfMatch: string | undefined) =>
      server.s3.send(new CompleteMultipartUploadCommand({ ...input, IfMatch }));
    expect(await refusal(complete('"other"'))).toMatchObject(lost);
    expect((await readBack(server.s3, 'upload')).toString()).toBe('before');
    await complete(ETag);
    expect((await readBack(server.s3, 'upload')).toString()).toBe('after');
  });

  it('holds for a delete', async () => {
    const { ETag } = await put('deleted', 'here');
    expect(await refusal(remove('deleted', '"other"'))).toMatchObject(lost);
    expect((await readBack(server.s3, 'deleted')).toString()).toBe('here');
    await remove('deleted', ETag);
    expect(await refusal(readBack(server.s3, 'deleted'))).toMatchObject({ name: 'NoSuchKey' });
  });
});

describe.runIf(onOurs)('a delete while a conditional write is under way', () => {
  /** Begins a PUT, runs `meanwhile` once the server has it, then sends the rest. */
  async function slowPut(key: string, headers: Record<string, string>, meanwhile: () => Promise<unknown>) {
    const client = new AwsClient({ ...credentials, service: 's3', region: 'us-east-1' });
    const all = { 'x-amz-content-sha256': 'UNSIGNED-PAYLOAD', ...headers };
    const signed = await client.sign(`${server.endpoint}/${bucket}/${key}`, { method: 'PUT', headers: all });
    const before = server.requests.length;
    const sent = httpRequest(signed.url, {
      method: 'PUT',
      headers: { ...Object.fromEntries(signed.headers), 'content-length': 8 },
    });
    const answered = new Promise<string>((resolve, reject) => {
      sent.once('error', reject);
      sent.once('response', (response) => {
        response.toArray().then((pieces) => resolve(`${response.statusCode} ${Buffer.concat(pieces)}`), reject);
      });
    });
    sent.write('half');
    while (server.requests.length === before) await pause(2);
    await meanwhile();
    sent.end('half');
    return answered;
  }

  it('makes it a conflict (409), not a success', async () => {
    await put('conflict', 'before');
    expect(await slowPut('conflict', { 'if-none-match': '*' }, () => remove('conflict'))).toMatch(
      /^409 .*<Code>ConditionalRequestConflict</s,
    );
    const { ETag = '' } = await put('conflict', 'before');
    const again = async () => {
      await remove('conflict');
      await put('conflict', 'before');
    };
    expect(await slowPut('conflict', { 'if-match': ETag }, again)).toMatch(/^409 /);
    expect(await slowPut('conflict', { 'if-match': ETag }, () => remove('conflict'))).toMatch(/^404 /);
    expect(await refusal(readBack(server.s3, 'conflict'))).toMatchObject({ name: 'NoSuchKey' });
    expect(await slowPut('conflict', { 'if-none-match': '*' }, () => Promise.resolve())).toMatch(/^200 /);
    expect((await readBack(server.s3, 'conflict')).toString()).toBe('halfhalf');
  });

  it('does not touch one without condition, and a write meanwhile is a lost condition', async () => {
    await put('plain', 'before');
    expect(await slowPut('plain', {}, () => remove('plain'))).toMatch(/^200 /);
    expect((await readBack(server.s3, 'plain')).toString()).toBe('halfhalf');
    expect(await slowPut('quick', { 'if-none-match': '*' }, () => put('quick', 'quick'))).toMatch(/^412 /);
    expect((await readBack(server.s3, 'quick')).toString()).toBe('quick');
  });
});
