import { PassThrough } from 'node:stream';
import { expect, test } from 'vitest';
import { appendLines } from '../../../../cli/log/append-lines.ts';

/** A writer that waits for `release` before it answers, and its requests. */
function slowWriter() {
  const requests: string[][] = [];
  let next = 1;
  let release = () => {};
  const append = async (entries: readonly (Uint8Array | string)[]) => {
    requests.push(entries.map((entry) => Buffer.from(entry as Uint8Array).toString()));
    await new Promise<void>((resolve) => {
      release = resolve;
    });
    const first = next;
    next += entries.length;
    return { first, last: next - 1 };
  };
  return { writer: { append }, requests, release: () => release() };
}

const settled = () => new Promise((resolve) => setTimeout(resolve, 10));

test('the first line is appended at once, and what comes meanwhile goes together with the next request', async () => {
  const { writer, requests, release } = slowWriter();
  const input = new PassThrough();
  const progress: [number, number][] = [];
  const appended = appendLines(writer, input, 3, (count, last) => progress.push([count, last]));
  input.write('one\n');
  await settled();
  expect(requests).toEqual([['one']]);
  input.write('two\r\nthree\n\nfo');
  input.end('ur\nfive');
  for (let request = 2; request <= 4; request += 1) {
    await settled();
    release();
  }
  expect(await appended).toEqual({ count: 6, first: 1, last: 6 });
  expect(requests).toEqual([['one'], ['two', 'three', ''], ['four', 'five']]);
  expect(progress).toEqual([
    [1, 1],
    [4, 4],
    [6, 6],
  ]);
});

test('nothing is appended of an empty input', async () => {
  const input = new PassThrough();
  input.end();
  const { writer, requests } = slowWriter();
  expect(await appendLines(writer, input, 64, () => {})).toEqual({ count: 0 });
  expect(requests).toEqual([]);
});

test('a request takes at most 2 MiB, in order', async () => {
  const input = new PassThrough();
  input.end(Array.from({ length: 20 }, (_, at) => String.fromCharCode(97 + at).repeat(200 * 1024)).join('\n'));
  const batches: string[] = [];
  const append = async (entries: readonly (Uint8Array | string)[]) => {
    expect(entries.reduce((sum, { length }) => sum + length, 0)).toBeLessThanOrEqual(2 * 1024 ** 2);
    batches.push(...entries.map((entry) => Buffer.from(entry as Uint8Array).toString('utf8', 0, 1)));
    return { first: 1, last: entries.length };
  };
  expect(await appendLines({ append }, input, 64, () => {})).toMatchObject({ count: 20 });
  expect(batches.join('')).toBe('abcdefghijklmnopqrst');
});

test('after a failure it leaves the input alone: nothing more is taken from it', async () => {
  const input = new PassThrough();
  input.write('one\n');
  const append = () => Promise.reject(new Error('refused'));
  await expect(appendLines({ append }, input, 64, () => {})).rejects.toThrow('refused');
  input.write('for another\n');
  await settled();
  expect(input.isPaused()).toBe(true);
  expect(String(input.read())).toBe('for another\n');
});
