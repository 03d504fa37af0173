import { createHash } from 'node:crypto';
import { getEventListeners } from 'node:events';
import { PassThrough, Readable } from 'node:stream';
import { afterEach, expect, test, vi } from 'vitest';
import type { Checkpoint } from '../../../../client/index.ts';
import { newJob } from './job-service.ts';

const state = {
  checkpointId: 1,
  url: 'http://s3.test/payload',
  bytes: 5,
  sha256: createHash('sha256').update('state').digest('hex'),
} as Checkpoint;

afterEach(() => {
  vi.restoreAllMocks();
});

test('many uploads and downloads leave nothing on the signals of their term and their caller, and Node warns of no leak', async () => {
  const warn = vi.spyOn(process, 'emitWarning');
  const combine = vi.spyOn(AbortSignal, 'any');
  const { checkpoints, term, time } = newJob();
  const { signal } = new AbortController();
  const stop = new AbortController();
  const broken = async function* () {
    yield new Uint8Array(9);
    throw new Error('the disk is gone');
  };
  const read = async (whole: boolean) => {
    for await (const _ of checkpoints.read(state, { signal })) if (!whole) break;
  };
  const calls = Array.from({ length: 20 }, () => [
    checkpoints.add('in one PUT', { signal }),
    checkpoints.add(Readable.from([Buffer.from('in several parts')]), { signal }),
    read(true),
    read(false),
    checkpoints.addSavepoint(broken(), { signal }),
    checkpoints.addSavepoint(new PassThrough(), { signal: stop.signal }),
  ]);
  const settled = Promise.all(calls.map((several) => Promise.allSettled(several)));
  await time.advance(60_000);
  stop.abort(new Error('enough'));
  const outcomes = ['fulfilled', 'fulfilled', 'fulfilled', 'fulfilled', 'rejected', 'rejected'];
  for (const several of await settled) expect(several.map(({ status }) => status)).toEqual(outcomes);
  const left = [term.signal, signal, stop.signal].map((one) => getEventListeners(one, 'abort').length);
  expect(left).toEqual([0, 0, 0]);
  expect(combine.mock.calls.flat(2)).not.toContain(term.signal);
  expect(warn).not.toHaveBeenCalledWith(expect.objectContaining({ name: 'MaxListenersExceededWarning' }));
});

test.each(['term', 'signal'])('the end of the %s ends a download', async (end) => {
  const silent = (_url: string, _headers: object, signal: AbortSignal) =>
    new Promise<Response>((_, reject) => {
      signal.addEventListener('abort', () => reject(signal.reason), { once: true });
    });
  const { checkpoints, term, time } = newJob(silent);
  const stop = new AbortController();
  const reading = checkpoints.read(state, { signal: stop.signal }).next();
  reading.catch(() => {});
  await time.advance(0);
  if (end === 'signal') stop.abort(new Error('enough'));
  else term.end({ reason: 'revoked', detail: 'Term 1 has ended.' });
  await expect(reading).rejects.toThrow(end === 'signal' ? 'enough' : 'Term 1 has ended.');
});
