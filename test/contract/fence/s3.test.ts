import { randomUUID } from 'node:crypto';
import { GetObjectCommand, PutObjectCommand, type S3Client } from '@aws-sdk/client-s3';
import { describe, expect, test } from 'vitest';
import { FencedError, type FencingTerm } from '../../../client/fence/fence.ts';
import { proveFenced } from '../../../client/fence/prove.ts';
import { fencedS3, fencedS3Delete } from '../../../client/fence/s3.ts';
import { bucket, useS3Server } from '../../infra/emulator/s3/fixture.ts';
import { sizes } from '../../sizes.ts';

const fixture = useS3Server();
const leader = (fencingVersion: number) => ({ fencingVersion });
const place = () => ({ bucket, key: randomUUID() });
const text = (bytes: Uint8Array | undefined) => (bytes ? new TextDecoder().decode(bytes) : undefined);

async function contentOf({ key }: { key: string }, s3: S3Client = fixture.s3): Promise<string | undefined> {
  try {
    const { Body } = await s3.send(new GetObjectCommand({ Bucket: bucket, Key: key }));
    return await Body?.transformToString();
  } catch (error) {
    if ((error as Error).name === 'NoSuchKey') return undefined;
    throw error;
  }
}

test('changes an object from what it was, and refuses an older version', async () => {
  const manifest = place();
  const add = (version: number, file: string) =>
    fencedS3(fixture.s3, manifest, leader(version), (old) => `${text(old) ?? ''}${file} `);
  await add(7, 'a');
  await add(7, 'b');
  await add(8, 'c');
  await expect(add(7, 'late')).rejects.toMatchObject({ code: 'fenced', yours: 7, current: 8 });
  expect(await contentOf(manifest)).toBe('a b c ');
});

test('rivals of one version lose none of their changes', async () => {
  const manifest = place();
  const files = Array.from({ length: 12 }, (_, at) => `f${at}`);
  const add = (file: string) =>
    fencedS3(fixture.s3, manifest, leader(7), (old) => `${text(old) ?? ''}${file} `, { tries: 100 });
  await Promise.all(files.map(add));
  expect((await contentOf(manifest))?.trim().split(' ').sort()).toEqual(files.toSorted());
});

test('a write whose answer was lost is made once', async () => {
  const manifest = place();
  let lost = false;
  const client = fixture.s3;
  const unreliable = {
    async send(command: object) {
      const answer = await client.send(command as never);
      if (command instanceof PutObjectCommand && !lost) {
        lost = true;
        // As after the SDK's own retry of a conditional write: the condition fails because the first try succeeded.
        return await client.send(command as never);
      }
      return answer;
    },
  } as S3Client;
  await fencedS3(unreliable, manifest, leader(7), (old) => `${text(old) ?? ''}once `);
  expect(lost).toBe(true);
  expect(await contentOf(manifest)).toBe('once ');
});

test('a deleted object keeps its fence', async () => {
  const manifest = place();
  await fencedS3(fixture.s3, manifest, leader(7), () => 'by 7');
  await fencedS3Delete(fixture.s3, manifest, leader(8));
  await expect(fencedS3(fixture.s3, manifest, leader(7), () => 'back')).rejects.toThrow(FencedError);
  await fencedS3(fixture.s3, manifest, leader(8), (old) => `was ${text(old)}`);
  expect(await contentOf(manifest)).toBe('was undefined');
});

describe('the test kit', () => {
  const target = (write: (s3: S3Client, term: FencingTerm, value: string, key: string) => Promise<unknown>) => {
    let key = '';
    return {
      open: async () => {
        key = randomUUID();
        return { client: fixture.s3 };
      },
      read: (s3: S3Client) => contentOf({ key }, s3),
      write: (s3: S3Client, term: FencingTerm, value: string) => write(s3, term, value, key),
    };
  };

  test('finds that guarded objects hold', async () => {
    const proof = await proveFenced(
      target((s3, term, value, key) => fencedS3(s3, { bucket, key }, term, () => value)),
      { schedules: sizes.fence.schedules },
    );
    expect(proof.kind === 'broken' ? proof.timeline : proof.kind).toBe('held');
  });

  test('finds that a plain PUT lets the last one win', async () => {
    const proof = await proveFenced(
      target((s3, _term, Body, Key) => s3.send(new PutObjectCommand({ Bucket: bucket, Key, Body }))),
    );
    expect(proof.kind).toBe('broken');
  });
});
