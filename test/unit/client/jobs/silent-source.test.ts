import { PassThrough } from 'node:stream';
import { v7 } from 'uuid';
import { expect, test, vi } from 'vitest';
import { LeadershipLostError, type S3, TenureClient, termFromEnvironment } from '../../../../client/index.ts';
import { upload } from '../../../../client/jobs/upload.ts';
import { writeUpload } from '../../../../functions/jobs/payloads/upload.ts';

const partBytes = 4;
const taken: S3['put'] = async () => ({ status: 200, etag: '"etag"', text: '' });

/** Begins to upload a stream in parts of 4 bytes; the service signs every URL. */
function uploading(source: AsyncIterable<Uint8Array>, put: S3['put'] = taken) {
  const uploadId = writeUpload({ payloadId: v7(), multipartId: 'm' });
  const fetch = async (_: unknown, init?: RequestInit) => {
    const { parts } = JSON.parse(String(init?.body)) as { parts?: { partNumber: number }[] };
    if (!parts) return Response.json({ method: 'multipart', uploadId, partBytes });
    const urls = parts.map(({ partNumber }) => ({ partNumber, url: `http://s3.test/${partNumber}`, headers: {} }));
    return Response.json({ urls, expiresAt: '2026-11-01T12:00:00.000Z' });
  };
  const term = termFromEnvironment({
    TENURE_GROUP: 'g',
    TENURE_FENCING_VERSION: '1',
    TENURE_SESSION_ID: '0d3c0d5a-6a3f-4f0c-9d4b-3a6c1a52a1f1',
  });
  const stop = new AbortController();
  const client = new TenureClient({ url: 'http://tenure.test', fetch: fetch as typeof globalThis.fetch });
  const puts: string[] = [];
  const s3: S3 = {
    put(url, ...more) {
      puts.push(url);
      return put(url, ...more);
    },
    get: () => Promise.reject(new Error('nothing is read')),
  };
  const target = { client, term, jobId: 'j', purpose: 'checkpoint' as const, s3, signal: stop.signal };
  const done = upload(target, source);
  done.catch(() => {});
  return { done, puts, stop, term };
}

/** A stream that has given so many bytes and then waits. */
function silentAfter(bytes: number) {
  const stream = new PassThrough();
  stream.write(Buffer.alloc(bytes));
  return stream;
}

test('the signal ends an upload whose source is silent, and the source with it', async () => {
  const source = silentAfter(9);
  const { done, puts, stop } = uploading(source);
  await vi.waitFor(() => expect(puts).toHaveLength(2));
  stop.abort(new Error('enough'));
  await expect(done).rejects.toThrow('enough');
  expect(source.destroyed).toBe(true);
});

test('the end of the term does', async () => {
  const source = silentAfter(0);
  const { done, term } = uploading(source);
  await vi.waitFor(() => expect(source.listenerCount('readable')).toBe(1));
  term.end({ reason: 'superseded', detail: 'another leads' });
  await expect(done).rejects.toBeInstanceOf(LeadershipLostError);
  expect(source.destroyed).toBe(true);
});

test('a part that has failed does, and ends the parts under way', async () => {
  const ended: unknown[] = [];
  const { done, term } = uploading(silentAfter(9), async (url, _headers, _block, signal) => {
    if (url.endsWith('/2')) return { status: 404, etag: undefined, text: '<Code>NoSuchUpload</Code>' };
    return new Promise((_, reject) => {
      signal.addEventListener('abort', () => {
        ended.push(url);
        reject(signal.reason);
      });
    });
  });
  await expect(done).rejects.toMatchObject({ code: 'transfer_failed', status: 404 });
  expect(ended).toEqual(['http://s3.test/1']);
  expect(term.signal.aborted).toBe(false);
});

test('a source that cannot be destroyed is closed when it speaks again, whatever it says', async () => {
  for (const last of ['more', 'an error'] as const) {
    let asked = false;
    let closed = false;
    let speak = () => {};
    const spoken = new Promise<void>((resolve) => {
      speak = resolve;
    });
    const source = async function* () {
      try {
        asked = true;
        await spoken;
        if (last === 'an error') throw new Error('nobody waits for this');
        yield new Uint8Array(9);
      } finally {
        closed = true;
      }
    };
    const { done, puts, stop } = uploading(source());
    await vi.waitFor(() => expect(asked).toBe(true));
    stop.abort(new Error('enough'));
    await expect(done).rejects.toThrow('enough');
    speak();
    await vi.waitFor(() => expect(closed).toBe(true));
    expect(puts).toEqual([]);
  }
});

test('an upload ends with the error of its source, and ends the parts under way', async () => {
  const ended: unknown[] = [];
  let failing = () => {};
  const source = async function* () {
    yield new Uint8Array(5);
    await new Promise<void>((resolve) => {
      failing = resolve;
    });
    throw new Error('the disk is gone');
  };
  const { done } = uploading(source(), (url, _headers, _block, signal) => {
    failing();
    return new Promise((_, reject) => {
      signal.addEventListener('abort', () => {
        ended.push(url);
        reject(signal.reason);
      });
    });
  });
  await expect(done).rejects.toThrow('the disk is gone');
  expect(ended).toEqual(['http://s3.test/1']);
});
