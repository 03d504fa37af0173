import { randomBytes } from 'node:crypto';
import { v7 } from 'uuid';
import { beforeEach, describe, expect, test } from 'vitest';
import type { Fence } from '../../../api/fence.ts';
import { eachInItsGroup } from '../../support/job-scene.ts';
import {
  checkpoint,
  download,
  type JobWorld,
  type Process,
  sha256,
  submit,
  uploadBytes,
} from '../../support/job-world.ts';

let world: JobWorld;
let api: Process;
let leader: Fence;
let name: string;
let job: string;

eachInItsGroup(
  'uploads',
  (scene) => {
    ({ world, api, leader, name, job } = scene);
  },
  { leaseMs: 3_600_000 },
);

const begin = (body: object) => api.call('POST', `${job}/uploads`, { purpose: 'checkpoint', ...body }, leader);
const commit = (body: object) => api.call('POST', `${job}/checkpoints`, body, leader);
const put = (url: string, headers: Record<string, string>, body: Uint8Array | string) =>
  fetch(url, { method: 'PUT', headers, body: body as NonNullable<RequestInit['body']> });

describe('one PUT', () => {
  test('an empty payload is a payload', async () => {
    await submit(api, leader, job);
    const { body } = await checkpoint(api, leader, job, '');
    expect(body).toEqual({ checkpointId: 1, retained: [1] });
    expect(await download((await api.call('GET', `${job}/checkpoints/latest`)).body.url)).toBe('');
  });
});

describe('commits only the bytes promised', () => {
  beforeEach(() => submit(api, leader, job));

  test('nothing uploaded: 422, nothing written', async () => {
    const { body } = await begin({ bytes: 1, sha256: sha256('x') });
    expect(await commit({ uploadId: body.uploadId })).toMatchObject({ status: 422, body: { code: 'payload_missing' } });
    expect((await api.call('GET', job)).body.checkpoints).toEqual([]);
  });

  test('another digest or size: 422 with both values, the payload stays for the collector', async () => {
    const uploadId = await uploadBytes(api, leader, job, 'state');
    const wrong = await commit({ uploadId, sha256: sha256('other') });
    expect(wrong).toMatchObject({
      status: 422,
      body: {
        code: 'payload_mismatch',
        promised: { bytes: 5, sha256: sha256('other') },
        stored: { bytes: 5, sha256: sha256('state') },
      },
    });
    expect(wrong.body.detail).toContain(sha256('other'));
    expect(await commit({ uploadId, bytes: 6 })).toMatchObject({
      status: 422,
      body: { promised: { bytes: 6 }, stored: { bytes: 5 } },
    });
    expect((await api.call('GET', job)).body).toMatchObject({ checkpoints: [], nextCheckpointId: 1 });
    expect((await commit({ uploadId, sha256: sha256('state'), bytes: 5 })).status).toBe(201);
  });

  test('an upload older than 12 hours is refused, one just younger is taken', async () => {
    const young = await uploadBytes(api, leader, job, 'young');
    world.advance(12 * 3_600_000 - 60_000);
    expect((await commit({ uploadId: young })).status).toBe(201);
    const old = v7({ msecs: world.clock.now() - 12 * 3_600_000 - 1 });
    await api.room.payloads.put(`groups/${name}/jobs/nightly/${old}`, Buffer.from('old'), sha256('old'));
    expect(await commit({ uploadId: old })).toMatchObject({ status: 410, body: { code: 'upload_expired' } });
    const parts = { parts: [{ partNumber: 1, bytes: 1, sha256: sha256('x') }] };
    const signed = await api.call('POST', `${job}/uploads/${old}.aWQ/parts`, parts, await world.lead(name));
    expect(signed.body.code).toBe('upload_expired');
  });

  test('an upload serves one purpose once', async () => {
    const graph = await uploadBytes(api, leader, `${job}-2`, 'graph', 'graph');
    await api.call('PUT', `${job}-2`, { graph: { uploadId: graph } }, leader);
    expect((await api.call('POST', `${job}-2/checkpoints`, { uploadId: graph }, leader)).body.code).toBe('upload_used');
    const { uploadId } = await checkpoint(api, leader, job, 'savepoint', { kind: 'savepoint' });
    expect((await commit({ uploadId })).body.code).toBe('upload_used');
    expect((await commit({ uploadId, kind: 'savepoint' })).body).toMatchObject({ checkpointId: 1 });
    const state = await checkpoint(api, leader, job, 'state');
    expect((await commit({ uploadId: state.uploadId, kind: 'savepoint' })).body.code).toBe('upload_used');
    const reused = await api.call('PUT', job, { graph: { uploadId: state.uploadId } }, leader);
    expect(reused.body.code).toBe('upload_used');
  });

  test('ids that are none, and another job’s upload', async () => {
    for (const uploadId of ['../../x', 'latest', v7().toUpperCase(), `${v7()}/x`, `${v7()}.`, `${v7()}.a/b`, '']) {
      expect((await commit({ uploadId })).body.code).toBe('invalid_request');
    }
    await submit(api, leader, `${job}-other`);
    const uploadId = await uploadBytes(api, leader, `${job}-other`, 'state');
    expect((await commit({ uploadId })).body.code).toBe('payload_missing');
  });
});

describe('in parts', () => {
  const mebibyte = 1024 ** 2;

  async function uploadParts(sizes: number[]) {
    const { body } = await begin({});
    expect(body).toMatchObject({ method: 'multipart', partBytes: 8 * mebibyte });
    const contents = sizes.map((size) => randomBytes(size));
    const promised = contents.map((content, at) => ({
      partNumber: at + 1,
      bytes: content.length,
      sha256: sha256(content),
    }));
    const signed = await api.call('POST', `${job}/uploads/${body.uploadId}/parts`, { parts: promised }, leader);
    expect(signed.status).toBe(200);
    const parts: { partNumber: number; etag: string; sha256: string }[] = [];
    for (const { partNumber, url, headers } of signed.body.urls) {
      const content = contents[partNumber - 1] as Buffer;
      expect(new URL(url).searchParams.get('X-Amz-SignedHeaders')).toBe('content-length;host;x-amz-checksum-sha256');
      const others = content.map((byte) => byte ^ 0xff);
      expect((await put(url, headers, others)).status).toBe(400);
      const response = await put(url, headers, content);
      expect(response.status).toBe(200);
      parts.push({ partNumber, etag: response.headers.get('etag') as string, sha256: sha256(content) });
    }
    return { uploadId: body.uploadId as string, parts, whole: Buffer.concat(contents) };
  }

  test('parts of known digests become a checkpoint whose whole digest every reader verifies', async () => {
    await submit(api, leader, job);
    const { uploadId, parts, whole } = await uploadParts([5 * mebibyte, 5 * mebibyte + 17, 3]);
    const body = { uploadId, parts, sha256: sha256(whole) };
    expect(await commit(body)).toEqual({ status: 201, body: { checkpointId: 1, retained: [1] } });
    expect(await commit(body)).toEqual({ status: 201, body: { checkpointId: 1, retained: [1] } });
    const latest = (await api.call('GET', `${job}/checkpoints/latest`)).body;
    expect(latest).toMatchObject({ bytes: whole.length, sha256: sha256(whole) });
    const read = Buffer.from(await (await fetch(latest.url)).arrayBuffer());
    expect(read.equals(whole)).toBe(true);
    const range = await fetch(latest.url, { headers: { range: 'bytes=5242870-5242899' } });
    expect(Buffer.from(await range.arrayBuffer()).equals(whole.subarray(5242870, 5242900))).toBe(true);
    const { jobs } = (await api.call('POST', `/groups/${name}/recovery`, {}, leader)).body;
    expect(jobs).toMatchObject([{ checkpoint: { checkpointId: 1 } }]);
  });

  test('an answer lost by S3 while the parts were put together', async () => {
    await submit(api, leader, job);
    const { uploadId, parts, whole } = await uploadParts([5 * mebibyte, 1]);
    api.s3.once('answer lost', 'CompleteMultipartUploadCommand');
    expect((await commit({ uploadId, parts, sha256: sha256(whole) })).status).toBe(201);
    const completions = api.s3.sent.filter(({ command }) => command === 'CompleteMultipartUploadCommand');
    expect(completions.map(({ refused }) => refused)).toEqual([undefined, 'NoSuchUpload']);
  });

  test('missing, wrong or unordered parts are refused and leave nothing behind', async () => {
    await submit(api, leader, job);
    const { uploadId, parts, whole } = await uploadParts([5 * mebibyte, 1]);
    const [first, second] = parts as [(typeof parts)[0], (typeof parts)[0]];
    const whole256 = { sha256: sha256(whole) };
    expect((await commit({ uploadId, ...whole256 })).body).toMatchObject({ code: 'invalid_request' });
    expect((await commit({ uploadId, parts })).body).toMatchObject({
      code: 'invalid_request',
      issues: [{ path: 'sha256' }],
    });
    expect((await commit({ uploadId, parts: [second], ...whole256 })).body.code).toBe('invalid_request');
    const swapped = [first, { ...second, sha256: first.sha256 }];
    expect(await commit({ uploadId, parts: swapped, ...whole256 })).toMatchObject({
      status: 422,
      body: { code: 'payload_mismatch', reason: expect.stringContaining('InvalidPart') },
    });
    const { items } = await api.room.payloads.list(`groups/${name}/`, undefined);
    expect(items).toHaveLength(1);
    expect((await commit({ uploadId, parts, ...whole256 })).status).toBe(201);
  });

  test('a graph may come in parts as well; parts of a PUT upload are refused', async () => {
    const { uploadId, parts, whole } = await uploadParts([5 * mebibyte, 9]);
    const graph = { uploadId, parts, sha256: sha256(whole) };
    expect((await api.call('PUT', job, { graph }, leader)).status).toBe(201);
    const { body } = await begin({ bytes: 1, sha256: sha256('x') });
    const part = { partNumber: 1, bytes: 1, sha256: sha256('x') };
    const signed = await api.call('POST', `${job}/uploads/${body.uploadId}/parts`, { parts: [part] }, leader);
    expect(signed).toMatchObject({ status: 400, body: { code: 'invalid_request' } });
  });

  test('the size decides between the two', async () => {
    const digest = { sha256: sha256('x') };
    expect((await begin({ bytes: 64 * mebibyte, ...digest })).body.method).toBe('put');
    expect((await begin({ bytes: 64 * mebibyte + 1, ...digest })).body.method).toBe('multipart');
    expect((await begin({ bytes: 5 })).body.method).toBe('multipart');
    const largest = await begin({ bytes: 5 * 1024 ** 4 });
    expect(largest.body.partBytes * 10_000).toBeGreaterThanOrEqual(5 * 1024 ** 4);
    expect((await begin({ bytes: 5 * 1024 ** 4 + 1 })).body.code).toBe('invalid_request');
  });
});

test('an inline graph is kept in S3 all the same, up to 64 KiB', async () => {
  const graph = randomBytes(64 * 1024);
  const inline = (bytes: Uint8Array) => ({ graph: { inline: Buffer.from(bytes).toString('base64') } });
  expect((await api.call('PUT', job, inline(graph), leader)).status).toBe(201);
  const [recovered] = (await api.call('POST', `/groups/${name}/recovery`, {}, leader)).body.jobs;
  expect(recovered.graph).toMatchObject({ bytes: graph.length, sha256: sha256(graph) });
  const read = Buffer.from(await (await fetch(recovered.graph.url)).arrayBuffer());
  expect(read.equals(graph)).toBe(true);
  expect((await api.call('PUT', job, inline(randomBytes(64 * 1024 + 1)), leader)).body.code).toBe('invalid_request');
});

test('the fence is required for every write', async () => {
  for (const [method, path] of [
    ['POST', `${job}/uploads`],
    ['PUT', job],
    ['POST', `${job}/checkpoints`],
    ['DELETE', `${job}/checkpoints`],
    ['DELETE', `${job}/savepoints/1`],
    ['POST', `${job}/finish`],
    ['POST', `/groups/${name}/recovery`],
  ] as const) {
    expect(await api.call(method, path, {})).toMatchObject({ status: 428, body: { code: 'fence_required' } });
  }
});
