import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CreateBucketCommand, GetObjectCommand, S3Client, type S3ClientConfig } from '@aws-sdk/client-s3';
import { AwsClient } from 'aws4fetch';
import { afterAll, beforeAll } from 'vitest';
import { type RequestLine, startS3Server } from '../../../../emulator/s3/server.ts';
import { onOurs, startVersity } from './versity.ts';

export const credentials = { accessKeyId: 'local', secretAccessKey: 'local' };
export const bucket = 'tenure-test';

export interface Fixture {
  endpoint: string;
  folder: string;
  s3: S3Client;
  requests: RequestLine[];
  clock: { now(): number };
  /** Stops the server and starts another on the same folder. */
  restart(): Promise<void>;
}

/** One server with one bucket for all tests of a file: ours, or the other one that TENURE_TEST_VERSITYGW names. */
export function useS3Server(): Fixture {
  const fixture = { requests: [] as RequestLine[], clock: { now: () => Date.now() } } as Fixture;
  let server: { endpoint: string; stop(): Promise<void> };
  const start = async () => {
    server = await (onOurs
      ? startS3Server({
          folder: fixture.folder,
          clock: { now: () => fixture.clock.now() },
          onRequest: (line) => fixture.requests.push(line),
        })
      : startVersity(fixture.folder, credentials));
    fixture.endpoint = server.endpoint;
    fixture.s3 = newClient(server.endpoint);
  };
  const stop = async () => {
    fixture.s3.destroy();
    await server.stop();
  };
  fixture.restart = async () => {
    await stop();
    await start();
  };
  beforeAll(async () => {
    fixture.folder = await mkdtemp(join(tmpdir(), 'tenure-s3-'));
    await start();
    await fixture.s3.send(new CreateBucketCommand({ Bucket: bucket }));
  });
  afterAll(async () => {
    await stop();
    await rm(fixture.folder, { recursive: true });
  });
  return fixture;
}

export function newClient(endpoint: string, more: Partial<S3ClientConfig> = {}): S3Client {
  return new S3Client({ endpoint, region: 'us-east-1', credentials, forcePathStyle: true, ...more });
}

export async function readBack(s3: S3Client, key: string): Promise<Buffer> {
  const { Body } = await s3.send(new GetObjectCommand({ Bucket: bucket, Key: key }));
  return Buffer.from((await Body?.transformToByteArray()) ?? []);
}

/** The name and status of the error that a command ends with; fails when it does not. */
export async function refusal(
  work: Promise<unknown>,
): Promise<{ name: string; status: number | undefined; message: string }> {
  try {
    await work;
  } catch (cause) {
    const { name, message, $metadata } = cause as Error & { $metadata?: { httpStatusCode?: number } };
    return { name, status: $metadata?.httpStatusCode, message };
  }
  throw new Error('it was expected to be refused, and succeeded');
}

/** A request signed by another library than the SDK, for what the SDK never sends. */
export function signedFetch(url: string, init: RequestInit = {}): Promise<Response> {
  return new AwsClient({ ...credentials, service: 's3', region: 'us-east-1', retries: 0 }).fetch(url, init);
}

/** S3's error code in an answer. */
export async function errorCode(response: Response): Promise<string | undefined> {
  return /<Code>(.*?)<\/Code>/.exec(await response.text())?.[1];
}
