import { type ChildProcess, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { linkSync, lstatSync, readdirSync, readFileSync, renameSync, symlinkSync, writeFileSync } from 'node:fs';
import { mkdtemp, open, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { downloadFile, type S3 } from '../../../../client/index.ts';

const size = 3 * 1024 ** 2;
const contentOf = (fill: number) => new Uint8Array(size).fill(fill);
const digest = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');
const payloadOf = (fill: number) => ({
  url: `http://s3.test/${fill}`,
  bytes: size,
  sha256: digest(contentOf(fill)),
});

let folder: string;
let path: string;
let ranges: (string | undefined)[];
/** Happens before a piece of a payload arrives. */
let before: (piece: number) => Promise<void> | void;
/** S3 that has a payload for each byte, and hands it out in three pieces. */
const s3: S3 = {
  put: () => Promise.reject(new Error('nothing is uploaded here')),
  async get(url, headers, signal) {
    const { range } = headers;
    ranges.push(range);
    const from = Number(/\d+/.exec(range ?? '0')?.[0]);
    const whole = contentOf(Number(new URL(url).pathname.slice(1))).subarray(from);
    let piece = 0;
    const body = new ReadableStream<Uint8Array>({
      async pull(controller) {
        await before(piece);
        signal.throwIfAborted();
        const part = whole.subarray(piece * 1024 ** 2, (piece + 1) * 1024 ** 2);
        piece += 1;
        if (part.byteLength > 0) controller.enqueue(part);
        else controller.close();
      },
    });
    const status = from > 0 ? 206 : 200;
    return new Response(body, { status, headers: { 'content-length': String(whole.byteLength) } });
  },
};

const folders: string[] = [];
const newFolder = async () => {
  const made = await mkdtemp(join(tmpdir(), 'tenure-download-'));
  folders.push(made);
  return made;
};

beforeEach(async () => {
  folder = await newFolder();
  path = join(folder, 'state');
  ranges = [];
  before = () => {};
});
afterAll(async () => {
  for (const one of folders) await rm(one, { recursive: true });
});

const isState = (fill: number) => Buffer.from(contentOf(fill)).equals(readFileSync(path));
const partials = () => readdirSync(folder).filter((name) => name.endsWith('.partial'));

/** Another process that has downloaded the first half of payload 1 into each path. */
async function halfDownload(paths: readonly string[]) {
  const { bytes, sha256 } = payloadOf(1);
  const program = fileURLToPath(new URL('half-download.mjs', import.meta.url));
  const argv = [program, `${bytes}`, sha256, '1', ...paths];
  const child = spawn(process.execPath, argv, { stdio: ['ignore', 'pipe', 'inherit'] });
  expect(String((await once(child.stdout, 'data'))[0])).toBe('half\n');
  return child;
}

async function kill(child: ChildProcess): Promise<void> {
  const exit = once(child, 'exit');
  child.kill('SIGKILL');
  await exit;
}

test('a file appears whole, for its owner alone, in the place of the one before', async () => {
  writeFileSync(path, 'old');
  await downloadFile(payloadOf(1), path, { s3 });
  expect(isState(1)).toBe(true);
  expect(lstatSync(path).mode & 0o777).toBe(0o600);
  expect(readdirSync(folder)).toEqual(['state']);
});

test('two downloads into one path are both right: the file is one of them, whole, every time', async () => {
  for (let round = 0; round < 8; round += 1) {
    await Promise.all([1, 2].map((fill) => downloadFile(payloadOf(fill), path, { s3 })));
    expect(isState(1) || isState(2), `round ${round}`).toBe(true);
    expect(readdirSync(folder)).toEqual(['state']);
  }
});

test('a symbolic link is replaced and not followed', async () => {
  const victim = join(folder, 'victim');
  writeFileSync(victim, 'untouched');
  symlinkSync(victim, path);
  await downloadFile(payloadOf(1), path, { s3 });
  expect(readFileSync(victim, 'utf8')).toBe('untouched');
  expect(lstatSync(path).isFile() && isState(1)).toBe(true);
});

test('a folder, or a device, is refused before anything is fetched', async () => {
  await expect(downloadFile(payloadOf(1), folder, { s3 })).rejects.toThrow('is a directory; give the path of a file');
  await expect(downloadFile(payloadOf(1), '/dev/null', { s3 })).rejects.toThrow('"/dev/null" is not a regular file');
  expect(ranges).toEqual([]);
});

describe('a failure leaves the old file and nothing else', () => {
  const only = () => {
    expect(readdirSync(folder)).toEqual(['state']);
    expect(readFileSync(path, 'utf8')).toBe('old');
  };
  beforeEach(() => writeFileSync(path, 'old'));

  test('when the payload is not the one that was committed', async () => {
    const altered = { ...payloadOf(1), sha256: digest(contentOf(2)) };
    await expect(downloadFile(altered, path, { s3 })).rejects.toMatchObject({ code: 'payload_damaged' });
    only();
  });

  test('when the caller stops it', async () => {
    const stop = new AbortController();
    before = (piece) => (piece === 1 ? stop.abort(new Error('enough')) : undefined);
    await expect(downloadFile(payloadOf(1), path, { s3, signal: stop.signal })).rejects.toThrow('enough');
    only();
  });

  test('when the disk holds other bytes than those that arrived', async () => {
    before = async (piece) => {
      if (piece !== 2) return;
      const file = await open(join(folder, partials()[0] ?? ''), 'r+');
      await file.write(Buffer.of(9), 0, 1, 0);
      await file.close();
    };
    await expect(downloadFile(payloadOf(1), path, { s3 })).rejects.toMatchObject({
      code: 'transfer_failed',
      message: expect.stringMatching(/^The file on disk has \d+ bytes and the SHA-256 /),
    });
    only();
  });
});

describe('the leftovers of a killed download', () => {
  const left: string[] = [];
  beforeAll(async () => {
    for (let test = 0; test < 6; test += 1) left.push(await newFolder());
    await kill(await halfDownload(left.map((one) => join(one, 'state'))));
  });
  beforeEach(() => {
    folder = left.pop() ?? folder;
    path = join(folder, 'state');
  });

  test('is continued by the next download of the same payload', async () => {
    await downloadFile(payloadOf(1), path, { s3 });
    expect(ranges).toEqual([`bytes=${size / 2}-`]);
    expect(isState(1)).toBe(true);
    expect(readdirSync(folder)).toEqual(['state']);
  });

  test('is taken over by one of two', async () => {
    await Promise.all([1, 1].map((fill) => downloadFile(payloadOf(fill), path, { s3 })));
    expect(ranges.filter((range) => range !== undefined)).toHaveLength(1);
    expect(isState(1)).toBe(true);
    expect(readdirSync(folder)).toEqual(['state']);
  });

  test('is fetched anew where it turns out to be wrong', async () => {
    writeFileSync(join(folder, partials()[0] ?? 'none'), contentOf(7).subarray(0, size / 2));
    await downloadFile(payloadOf(1), path, { s3 });
    expect(ranges).toEqual([`bytes=${size / 2}-`, undefined]);
    expect(isState(1)).toBe(true);
  });

  test('is removed by the download of another payload', async () => {
    await downloadFile(payloadOf(2), path, { s3 });
    expect(ranges).toEqual([undefined]);
    expect(isState(2)).toBe(true);
    expect(readdirSync(folder)).toEqual(['state']);
  });

  test.each([
    ['a symbolic link', symlinkSync],
    ['another name of a file', linkSync],
  ])('is left alone where %s stands in its place', async (_, plant) => {
    const partial = join(folder, partials()[0] ?? 'none');
    const victim = join(folder, 'victim');
    renameSync(partial, victim);
    plant(victim, partial);
    await downloadFile(payloadOf(1), path, { s3 });
    expect(ranges).toEqual([undefined]);
    expect(isState(1)).toBe(true);
    expect(readFileSync(victim)).toHaveLength(size / 2);
  });
});

test('the partial file of a download that still runs is left alone', async () => {
  const child = await halfDownload([path]);
  await downloadFile(payloadOf(1), path, { s3 });
  expect(ranges).toEqual([undefined]);
  expect(isState(1)).toBe(true);
  expect(partials()).toEqual([expect.stringContaining(`-${child.pid}-`)]);
  await kill(child);
});
