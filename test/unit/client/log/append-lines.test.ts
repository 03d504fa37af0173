import { PassThrough, Readable } from 'node:stream';
import { expect, test } from 'vitest';
import { appendLines } from '../../../../cli/log/append-lines.ts';
import { withDelimiter } from '../../../../cli/log/split-entries.ts';
import { TenureError } from '../../../../client/tenure-error.ts';

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

const options = { batch: 64, delimiter: 'line' as const, skip: 0, onAppended: () => {} };

const settled = () => new Promise((resolve) => setTimeout(resolve, 10));

test('the first line is appended at once, and what comes meanwhile goes together with the next request', async () => {
  const { writer, requests, release } = slowWriter();
  const input = new PassThrough();
  const progress: [number, number][] = [];
  const appended = appendLines(writer, input, {
    ...options,
    batch: 3,
    onAppended: (count, last) => progress.push([count, last]),
  });
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
  expect(await appendLines(writer, input, options)).toEqual({ count: 0 });
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
  expect(await appendLines({ append }, input, options)).toMatchObject({ count: 20 });
  expect(batches.join('')).toBe('abcdefghijklmnopqrst');
});

test('after a failure it leaves the input alone: nothing more is taken from it', async () => {
  const input = new PassThrough();
  input.write('one\n');
  const append = () => Promise.reject(new Error('refused'));
  await expect(appendLines({ append }, input, options)).rejects.toThrow('refused');
  input.write('for another\n');
  await settled();
  expect(input.isPaused()).toBe(true);
  expect(String(input.read())).toBe('for another\n');
});

/** Everything that reaches the log of an input, however it is cut into chunks. */
async function entriesOf(input: Buffer, delimiter: 'line' | 'nul' = 'line', chunk = input.length): Promise<Buffer[]> {
  const entries: Buffer[] = [];
  const append = async (given: readonly (Uint8Array | string)[]) => {
    entries.push(...given.map((entry) => Buffer.from(entry as Uint8Array)));
    return { first: 1, last: given.length };
  };
  const chunks = Array.from({ length: Math.ceil(input.length / chunk) }, (_, at) =>
    input.subarray(at * chunk, (at + 1) * chunk),
  );
  await appendLines({ append }, Readable.from(chunks, { objectMode: false }), { ...options, delimiter });
  return entries;
}

test('every byte is kept but a line feed, and a carriage return before it', async () => {
  const kept = ['\ufeffa\u2028b', 'c\rd', '\0', '', 'e\r'].map((text) => Buffer.from(text));
  const odd = [...kept, Buffer.of(0xff, 0xfe, 0x80)];
  const input = Buffer.concat(odd.flatMap((entry) => [entry, Buffer.from('\r\n')]));
  for (const chunk of [1, 2, 7, input.length]) expect(await entriesOf(input, 'line', chunk)).toEqual(odd);
  expect(await entriesOf(Buffer.from('a\nb\r'))).toEqual([Buffer.from('a'), Buffer.from('b\r')]);
  // One that ends with a carriage return needs the other delimiter.
  for (const entry of odd.filter((one) => one.at(-1) !== 13))
    expect(await entriesOf(Buffer.from(withDelimiter(entry, 'line')))).toEqual([entry]);
});

test('with nul as the delimiter an entry may have several lines', async () => {
  const entries = ['one\ntwo', '', '\r\n'].map((text) => Buffer.from(text));
  const input = Buffer.concat(entries.map((entry) => withDelimiter(entry, 'nul')));
  expect(await entriesOf(input, 'nul', 1)).toEqual(entries);
});

test('an append that fails midway says how far it came, and continues from there', async () => {
  const facts = { code: 'unreachable', status: 0, retryable: true, request: 'POST' };
  const written: string[] = [];
  let fails = true;
  const append = async (entries: readonly (Uint8Array | string)[]) => {
    if (written.length >= 4 && fails) throw new TenureError('No answer.', facts);
    written.push(...entries.map(String));
    return { first: written.length - entries.length + 1, last: written.length };
  };
  const text = ['a', 'b', 'c', 'd', 'e', 'f'].join('\n');
  const run = (skip: number) =>
    appendLines({ append }, Readable.from([Buffer.from(text)]), { ...options, batch: 2, skip });
  await expect(run(0)).rejects.toMatchObject({
    code: 'unreachable',
    message: expect.stringMatching(/--resume-after 4 for the rest.*next 2 entries may be in the log.*after 6\.$/),
    members: { appended: { count: 4, last: 4, unknown: 2 } },
  });
  fails = false;
  expect(await run(4)).toEqual({ count: 2, first: 5, last: 6 });
  expect(written.join('')).toBe('abcdef');
});

test('an append that is refused midway says that what follows is not in the log', async () => {
  const facts = { code: 'exclusivity_lost', status: 409, retryable: false, request: 'POST' };
  const answers = [{ first: 1, last: 1 }];
  const append = async () => answers.shift() ?? Promise.reject(new TenureError('Lost.', facts));
  const input = Readable.from([Buffer.from('a\nb\n')]);
  await expect(appendLines({ append }, input, { ...options, batch: 1, skip: 0 })).rejects.toMatchObject({
    message:
      'Lost. Appended 1 entry before that, the last at position 1; repeat the command with --resume-after 1 for the rest.',
    members: { appended: { count: 1, last: 1 } },
  });
});
