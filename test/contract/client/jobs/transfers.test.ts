import { randomBytes } from 'node:crypto';
import { fstatSync, readdirSync, statSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PutObjectCommand } from '@aws-sdk/client-s3';
import { afterAll, beforeAll, beforeEach, describe, expect, inject, test } from 'vitest';
import {
  type CheckpointStore,
  downloadBytes,
  JobRegistry,
  type S3,
  termFromEnvironment,
} from '../../../../client/index.ts';
import { directS3 } from '../../../../client/jobs/s3.ts';
import { systemTime } from '../../../../client/time.ts';
import { type JobWorld, openJobWorld, sha256 } from '../../../support/job-world.ts';

const mebibyte = 1024 ** 2;
const impatient = { ...systemTime, setTimer: (_: number, fire: () => void) => systemTime.setTimer(0, fire) };

let world: JobWorld;
let folder: string;
let tests = 0;
/** The fate of a request to S3 that is not sent. */
let meddle: (request: { method: string; url: string; attempt: number }) => Response | undefined | Promise<Response>;
/** PUTs that are under way, and the most that were. */
let atOnce: { now: number; most: number };
let s3Requests: { method: string; range: string | null; url: string }[];

beforeAll(async () => {
  world = await openJobWorld(inject('dynamodb'));
  folder = await mkdtemp(join(tmpdir(), 'tenure-transfers-'));
});
afterAll(async () => {
  await world.close();
  await rm(folder, { recursive: true });
});

let checkpoints: CheckpointStore;
beforeEach(async () => {
  tests += 1;
  meddle = () => undefined;
  s3Requests = [];
  atOnce = { now: 0, most: 0 };
  const attempts = new Map<string, number>();
  const note = (method: string, url: string, headers: Readonly<Record<string, string>>) => {
    const { pathname, searchParams } = new URL(url);
    const what = `${method} ${pathname} ${searchParams.get('partNumber')}`;
    const attempt = (attempts.get(what) ?? 0) + 1;
    attempts.set(what, attempt);
    s3Requests.push({ method, range: headers['range'] ?? null, url });
    return meddle({ method, url, attempt });
  };
  const s3: S3 = {
    async put(url, headers, block, signal) {
      const instead = await note('PUT', url, headers);
      if (instead) return { status: instead.status, etag: undefined, text: await instead.text() };
      atOnce.now += 1;
      atOnce.most = Math.max(atOnce.most, atOnce.now);
      return directS3.put(url, headers, block, signal).finally(() => {
        atOnce.now -= 1;
      });
    },
    get: async (url, headers, signal) => (await note('GET', url, headers)) ?? directS3.get(url, headers, signal),
  };
  const { fencingVersion, sessionId } = await world.lead(`transfers-${tests}`);
  const term = termFromEnvironment({
    TENURE_GROUP: `transfers-${tests}`,
    TENURE_FENCING_VERSION: String(fencingVersion),
    TENURE_SESSION_ID: sessionId,
  });
  const client = world.process().client({ time: impatient });
  const registry = new JobRegistry({ client, term, s3, inlineUpTo: 0 });
  checkpoints = await registry.submit('job', 'graph', { retain: 2 });
  s3Requests = [];
});

const puts = () => s3Requests.filter(({ method }) => method === 'PUT');
const latest = async () => (await checkpoints.latest()) ?? expect.fail('there is no checkpoint');
const readBack = async () => {
  const pieces: Uint8Array[] = [];
  for await (const piece of checkpoints.read(await latest())) pieces.push(piece);
  return Buffer.concat(pieces);
};
/** Writes to the bucket behind Tenure's back. */
const alter = ({ url }: { url: string }, Body: Uint8Array) => {
  const Key = decodeURIComponent(new URL(url).pathname).split('/').slice(2).join('/');
  return world.s3.send(new PutObjectCommand({ Bucket: world.bucket, Key, Body }));
};
async function* streamed(bytes: Uint8Array, piece: number) {
  for (let at = 0; at < bytes.byteLength; at += piece) yield bytes.subarray(at, at + piece);
}
const cut = () => {
  throw new TypeError('fetch failed', { cause: new Error('other side closed') });
};

/** This process's descriptors of the file. */
function stillOpen(file: string): string[] {
  const { ino } = statSync(file);
  return readdirSync('/dev/fd').filter((descriptor) => {
    try {
      return fstatSync(Number(descriptor)).ino === ino;
    } catch {
      // It was the one that lists them.
      return false;
    }
  });
}

describe('reads back the bytes uploaded', () => {
  const small = randomBytes(100_001);
  const large = randomBytes(17 * mebibyte + 5);

  test('bytes and text by one PUT', async () => {
    await checkpoints.add(small);
    expect((await readBack()).equals(small)).toBe(true);
    await checkpoints.add('grüße');
    expect((await readBack()).toString()).toBe('grüße');
    await checkpoints.add(new Uint8Array());
    expect(await readBack()).toHaveLength(0);
    // Nothing of the empty one is left to upload.
    expect(puts()).toHaveLength(2);
  });

  test('a file up to 64 MiB by one PUT, streamed from disk', async () => {
    const file = join(folder, 'large');
    await writeFile(file, large);
    await checkpoints.add({ file });
    expect(puts()).toHaveLength(1);
    expect(stillOpen(file)).toEqual([]);
    expect((await readBack()).equals(large)).toBe(true);
  });

  test('a stream of unknown length in parts; also an empty one, and one of just one part', async () => {
    const progress: number[] = [];
    await checkpoints.add(streamed(large, 70_001), { onProgress: ({ bytes }) => void progress.push(bytes) });
    expect(puts()).toHaveLength(3);
    expect(progress.at(-1)).toBe(large.byteLength);
    expect((await readBack()).equals(large)).toBe(true);
    await checkpoints.add(streamed(large.subarray(0, 8 * mebibyte), mebibyte));
    expect((await latest()).bytes).toBe(8 * mebibyte);
    await checkpoints.add(streamed(new Uint8Array(), 1));
    expect(await readBack()).toHaveLength(0);
  });

  test('a file above 64 MiB in parts', async () => {
    const file = join(folder, 'larger');
    const larger = Buffer.concat([large, large, large, large]);
    await writeFile(file, larger);
    await checkpoints.add({ file });
    expect(puts()).toHaveLength(9);
    expect(atOnce.most).toBe(3);
    expect(await latest()).toMatchObject({ bytes: larger.byteLength, sha256: sha256(larger) });
    expect((await readBack()).equals(larger)).toBe(true);
  });
});

describe('an upload continues', () => {
  const large = randomBytes(20 * mebibyte);

  test.each([
    ['the connection breaks', cut],
    ['S3 is unavailable', () => new Response('<Error><Code>SlowDown</Code></Error>', { status: 503 })],
    ['the URL has expired', () => new Response('<Error><Code>AccessDenied</Code></Error>', { status: 403 })],
    ['a part is hurt on its way', () => new Response('<Error><Code>BadDigest</Code></Error>', { status: 400 })],
  ])('when %s', async (_, instead) => {
    meddle = ({ method, attempt }) => (method === 'PUT' && attempt <= 2 ? instead() : undefined);
    await checkpoints.add(streamed(large, mebibyte));
    expect(puts()).toHaveLength(9);
    await checkpoints.add('small');
    expect((await readBack()).toString()).toBe('small');
    const [first] = await checkpoints.list();
    expect(first && Buffer.from(await downloadBytes(first)).equals(large)).toBe(true);
  });

  test('when the answer to a PUT was lost: the second try is told that the key is taken', async () => {
    const lost: typeof fetch = fetch;
    let done: Promise<Response> | undefined;
    meddle = ({ method, url, attempt }) => {
      if (method !== 'PUT' || attempt > 1) return undefined;
      done = lost(url, { method, headers: { 'if-none-match': '*', 'x-amz-checksum-sha256': digest }, body: 'state' });
      return done.then(cut);
    };
    const digest = Buffer.from(sha256('state'), 'hex').toString('base64');
    await checkpoints.add('state');
    expect((await done)?.status).toBe(200);
    expect((await readBack()).toString()).toBe('state');
  });

  test('but not for ever, and nothing is committed then', async () => {
    meddle = ({ method }) => (method === 'PUT' ? cut() : undefined);
    await expect(checkpoints.add('state')).rejects.toMatchObject({ code: 'transfer_failed', retryable: true });
    expect(puts()).toHaveLength(6);
    expect(await checkpoints.latest()).toBeUndefined();
    meddle = () => undefined;
    expect(await checkpoints.add('state')).toMatchObject({ checkpointId: 1 });
  });

  test('until it is told to stop, or its source fails', async () => {
    const stop = new AbortController();
    meddle = ({ method }) => {
      if (method === 'PUT') stop.abort(new Error('enough'));
      return undefined;
    };
    await expect(checkpoints.add(streamed(large, mebibyte), { signal: stop.signal })).rejects.toThrow('enough');
    meddle = () => undefined;
    const failing = async function* () {
      yield* streamed(large, mebibyte);
      throw new Error('the disk is gone');
    };
    await expect(checkpoints.add(failing())).rejects.toThrow('the disk is gone');
    expect(await checkpoints.latest()).toBeUndefined();
  });

  test('a file that changes while it is uploaded is not committed', async () => {
    const file = join(folder, 'changing');
    await writeFile(file, large);
    let changed = false;
    meddle = ({ method }) => {
      if (method !== 'PUT' || changed) return undefined;
      changed = true;
      return new Response(null, { status: 503 });
    };
    const adding = checkpoints.add({ file }).then(
      ({ checkpointId }) => checkpointId,
      (error: { code: string }) => error.code,
    );
    await writeFile(file, randomBytes(large.byteLength));
    const outcome = await adding;
    if (outcome === 1) expect((await latest()).sha256).toBe(sha256(await readBack()));
    else expect(outcome).toBe('transfer_failed');
  });
});

describe('a download', () => {
  const state = randomBytes(9 * mebibyte + 3);
  beforeEach(async () => {
    await checkpoints.add(state);
    s3Requests = [];
  });

  /** The first answer breaks off half-way. */
  const breaking = () => {
    let broken = false;
    meddle = ({ method }) => {
      if (method !== 'GET' || broken) return undefined;
      broken = true;
      const half = new ReadableStream({
        start: (controller) => controller.enqueue(new Uint8Array(state.subarray(0, 5 * mebibyte))),
        pull: (controller) => controller.error(new TypeError('terminated')),
      });
      return new Response(half, { headers: { 'content-length': String(state.byteLength) } });
    };
  };

  test('continues by range when the connection breaks', async () => {
    breaking();
    expect((await readBack()).equals(state)).toBe(true);
    expect(s3Requests.map(({ range }) => range)).toEqual([null, `bytes=${5 * mebibyte}-`]);
  });

  test('continues a byte at a time, but not for ever where none comes', async () => {
    let left = 20;
    const piece = (from: number, bytes: number) => {
      const body = new ReadableStream({
        start: (controller) => controller.enqueue(new Uint8Array(state.subarray(from, from + bytes))),
        pull: (controller) => controller.error(new TypeError('terminated')),
      });
      const headers = { 'content-length': String(state.byteLength - from) };
      return new Response(bytes > 0 ? body : broken(), { status: from > 0 ? 206 : 200, headers });
    };
    const broken = () => new ReadableStream({ pull: (controller) => controller.error(new TypeError('terminated')) });
    meddle = ({ method }) => {
      if (method !== 'GET') return undefined;
      left -= 1;
      return piece(20 - left - 1, left > 0 ? 1 : 0);
    };
    await expect(readBack()).rejects.toMatchObject({ code: 'transfer_failed', retryable: true });
    expect(s3Requests).toHaveLength(19 + 6);
  });

  test('asks for a fresh URL when its own has expired', async () => {
    meddle = ({ method, attempt }) =>
      method === 'GET' && attempt === 1 ? new Response('<Error/>', { status: 403 }) : undefined;
    expect((await readBack()).equals(state)).toBe(true);
    expect(s3Requests).toHaveLength(2);
  });

  test('into a file continues by range when the connection breaks, and says that the payload is damaged only of all its bytes', async () => {
    const path = join(folder, `state-${tests}`);
    breaking();
    await checkpoints.readToFile(await latest(), path);
    expect((await readFile(path)).equals(state)).toBe(true);
    expect(s3Requests.map(({ range }) => range)).toEqual([null, `bytes=${5 * mebibyte}-`]);
    await alter(await latest(), Buffer.concat([state.subarray(0, -1), Buffer.of((state.at(-1) ?? 0) ^ 1)]));
    await expect(checkpoints.readToFile(await latest(), path)).rejects.toMatchObject({ code: 'payload_damaged' });
    expect((await readFile(path)).equals(state)).toBe(true);
    expect(readdirSync(folder).filter((name) => name.endsWith('.partial'))).toEqual([]);
  });

  test.each([
    ['another byte', Buffer.concat([state.subarray(1), state.subarray(0, 1)])],
    ['fewer bytes', state.subarray(1)],
    ['more bytes', Buffer.concat([state, state])],
  ])('of a payload that was altered behind our back (%s) ends with an error', async (_, Body) => {
    await alter(await latest(), Body);
    await expect(readBack()).rejects.toMatchObject({ code: 'payload_damaged', retryable: false });
  });

  test('of a payload that is gone says so', async () => {
    const checkpoint = await latest();
    await checkpoints.discardAll();
    await expect(downloadBytes(checkpoint)).rejects.toMatchObject({ code: 'payload_damaged' });
  });
});
