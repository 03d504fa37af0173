import { v7 } from 'uuid';
import { afterAll, beforeAll, beforeEach, describe, expect, inject, test } from 'vitest';
import type { Fence } from '../../../api/fence.ts';
import { type JobWorld, openJobWorld, type Process, sha256, submit } from '../../support/job-world.ts';

const group = '/groups/requests';
const job = `${group}/jobs/nightly`;
const upload = `${v7()}.aWQ`;
const digest = sha256('x');
const part = { partNumber: 1, bytes: 1, sha256: digest };
const parts = (count: number) => Array.from({ length: count }, (_, at) => ({ ...part, partNumber: at + 1 }));
const base64 = (bytes: number) => Buffer.alloc(bytes).toString('base64');

let world: JobWorld;
let api: Process;
let leader: Fence;

beforeAll(async () => {
  world = await openJobWorld(inject('dynamodb'));
  leader = await world.lead('requests');
  await submit(world.process(), leader, job);
});
afterAll(() => world.close());
beforeEach(() => {
  api = world.process();
});

/** Nothing may have been asked of any store. */
function expectInvalid({ status, body }: { status: number; body: Record<string, unknown> }, path?: string) {
  expect({ status, code: body['code'] }, JSON.stringify(body)).toEqual({ status: 400, code: 'invalid_request' });
  expect(body).toMatchObject({ type: 'urn:tenure:invalid_request', retryable: false, title: expect.any(String) });
  expect(body['issues']).toEqual(expect.arrayContaining([{ path: expect.any(String), message: expect.any(String) }]));
  if (path !== undefined) expect((body['issues'] as { path: string }[]).map((issue) => issue.path)).toContain(path);
  expect([...api.dynamodb.sent, ...api.s3.sent]).toEqual([]);
}

const bodies: [operation: string, method: string, path: string, refused: [path: string, body: unknown][]][] = [
  [
    'uploads',
    'POST',
    `${job}/uploads`,
    [
      ['purpose', {}],
      ['purpose', { purpose: 'state' }],
      ['bytes', { purpose: 'graph', bytes: -1 }],
      ['bytes', { purpose: 'graph', bytes: 1.5 }],
      ['bytes', { purpose: 'graph', bytes: '1' }],
      ['sha256', { purpose: 'graph', sha256: digest.toUpperCase() }],
      ['sha256', { purpose: 'graph', sha256: digest.slice(1) }],
      ['', { purpose: 'graph', size: 1 }],
      ['', []],
    ],
  ],
  [
    'parts',
    'POST',
    `${job}/uploads/${upload}/parts`,
    [
      ['parts', {}],
      ['parts', { parts: [] }],
      ['parts', { parts: parts(101) }],
      ['parts.0.partNumber', { parts: [{ ...part, partNumber: 0 }] }],
      ['parts.0.partNumber', { parts: [{ ...part, partNumber: 10_001 }] }],
      ['parts.0.bytes', { parts: [{ ...part, bytes: 5 * 1024 ** 3 + 1 }] }],
      ['parts.0.sha256', { parts: [{ partNumber: 1, bytes: 1 }] }],
      ['parts.0', { parts: [{ ...part, etag: 'x' }] }],
    ],
  ],
  [
    'submit',
    'PUT',
    job,
    [
      ['graph', {}],
      ['graph', { graph: {} }],
      ['graph.inline', { graph: { inline: 'not base64' } }],
      ['graph.inline', { graph: { inline: base64(64 * 1024 + 1) } }],
      ['graph', { graph: { inline: '', uploadId: v7() } }],
      ['graph.uploadId', { graph: { uploadId: '../x' } }],
      ['retain', { graph: { inline: '' }, retain: 0 }],
      ['retain', { graph: { inline: '' }, retain: 257 }],
      ['retain', { graph: { inline: '' }, retain: '1' }],
      ['metadata', { graph: { inline: '' }, metadata: ['x'] }],
      ['metadata', { graph: { inline: '' }, metadata: { note: 'x'.repeat(160) } }],
      ['', { graph: { inline: '' }, state: 'FINISHED' }],
    ],
  ],
  [
    'commit',
    'POST',
    `${job}/checkpoints`,
    [
      ['uploadId', {}],
      ['kind', { uploadId: v7(), kind: 'graph' }],
      ['expectedCheckpointId', { uploadId: v7(), expectedCheckpointId: -1 }],
      ['expectedCheckpointId', { uploadId: v7(), expectedCheckpointId: '1' }],
      ['parts', { uploadId: upload, parts: [{ partNumber: 2, etag: 'x', sha256: digest }], sha256: digest }],
      ['parts.0.etag', { uploadId: upload, parts: [{ partNumber: 1, etag: '', sha256: digest }], sha256: digest }],
      ['sha256', { uploadId: v7(), sha256: 'abc' }],
      ['metadata', { uploadId: v7(), metadata: 'x' }],
      ['', { uploadId: v7(), upload: 7 }],
      ['checkpointId', { uploadId: v7(), checkpointId: -1 }],
      ['checkpointId', { uploadId: v7(), checkpointId: 2 ** 53 }],
      ['inline', { inline: 'not base64' }],
      ['uploadId', { inline: '', uploadId: v7() }],
    ],
  ],
  [
    'finish',
    'POST',
    `${job}/finish`,
    [
      ['result', {}],
      ['result', { result: 'done' }],
      ['detail', { result: 'failed', detail: 'x'.repeat(1_025) }],
      ['', { result: 'failed', fencingVersion: 9 }],
    ],
  ],
  [
    'recovery',
    'POST',
    `${group}/recovery`,
    [
      ['onDamaged', { onDamaged: 'ignore' }],
      ['discardOlder', { discardOlder: 'yes' }],
      ['cursor', { cursor: '' }],
      ['', { limit: 5 }],
    ],
  ],
  ['discard', 'DELETE', `${job}/checkpoints`, [['', { checkpointId: 1 }]]],
];

describe.each(bodies)('%s refuses', (_, method, path, refused) => {
  test.each(refused)('%#: what is wrong at "%s"', async (at, body) => {
    expectInvalid(await api.call(method, path, body, leader), at);
  });
});

test('names, ids and pages that are none', async () => {
  for (const name of ['-x', '.x', 'x y', 'x%2Fy', 'ü', 'x'.repeat(129), '..%2fx']) {
    expectInvalid(await api.call('GET', `${group}/jobs/${name}`), 'job');
    expectInvalid(await api.call('GET', `/groups/${name}/jobs`), 'group');
  }
  for (const id of ['-1', '00', '1.5', 'x', '9'.repeat(20)]) {
    expectInvalid(await api.call('GET', `${job}/checkpoints/${id}`), 'checkpoint');
    expectInvalid(await api.call('DELETE', `${job}/savepoints/${id}`, {}, leader), 'savepoint');
    expectInvalid(await api.call('DELETE', `${job}/checkpoints/${id}`, {}, leader), 'checkpoint');
  }
  for (const limit of ['0', '1001', '1.5', 'all', '-5'])
    expectInvalid(await api.call('GET', `${group}/jobs?limit=${limit}`), 'limit');
  expectInvalid(await api.call('GET', `${group}/jobs?cursor=`), 'cursor');
  expectInvalid(await api.call('GET', `${group}/jobs?cursor=bm90IG91cnM`));
  expectInvalid(await api.call('GET', `${group}/jobs?state=active`));
  expectInvalid(await api.call('GET', `${job}?consistent=true`));
});

const writes: [method: string, path: string, body: object][] = [
  ['POST', `${job}/uploads`, { purpose: 'graph' }],
  ['POST', `${job}/uploads/${upload}/parts`, { parts: [part] }],
  ['PUT', job, { graph: { inline: '' } }],
  ['POST', `${job}/checkpoints`, { uploadId: v7() }],
  ['POST', `${job}/checkpoints/reserve`, {}],
  ['DELETE', `${job}/checkpoints`, {}],
  ['DELETE', `${job}/checkpoints/1`, {}],
  ['DELETE', `${job}/savepoints/1`, {}],
  ['POST', `${job}/clean`, {}],
  ['POST', `${job}/finish`, { result: 'failed' }],
  ['POST', `${group}/recovery`, {}],
];

describe.each(writes)('%s %s', (method, path, body) => {
  test('needs the whole fence, and one that can be', async () => {
    const header = { 'Fencing-Version': '1', 'Leader-Session': leader.sessionId };
    for (const incomplete of [
      {},
      { 'Fencing-Version': header['Fencing-Version'] },
      { 'Leader-Session': header['Leader-Session'] },
    ]) {
      const answer = await api.call(method, path, body, undefined, incomplete as Record<string, string>);
      expect(answer).toMatchObject({ status: 428, body: { code: 'fence_required', retryable: false } });
    }
    for (const version of ['seven', '0', '-1', '1.5', '0x1', String(2 ** 28)]) {
      const fence = { ...header, 'Fencing-Version': version };
      expectInvalid(await api.call(method, path, body, undefined, fence), 'Fencing-Version');
    }
    for (const empty of ['Fencing-Version', 'Leader-Session', 'Idempotency-Key'])
      expectInvalid(await api.call(method, path, body, undefined, { ...header, [empty]: '' }), empty);
    const session = { ...header, 'Leader-Session': 'mine' };
    expectInvalid(await api.call(method, path, body, undefined, session), 'Leader-Session');
    expect([...api.dynamodb.sent, ...api.s3.sent]).toEqual([]);
  });

  test('takes no Idempotency-Key of another form, no other text and not too much of it', async () => {
    for (const key of ['k'.repeat(65), 'two words', 'ü'])
      expectInvalid(await api.call(method, path, body, leader, { 'Idempotency-Key': key }), 'Idempotency-Key');
    const headers = { 'Fencing-Version': `${leader.fencingVersion}`, 'Leader-Session': leader.sessionId };
    const send = async (text: string) => {
      const response = await api.fetch(`http://tenure.local/v1${path}`, { method, headers, body: text });
      expect(response.headers.get('content-type')).toBe('application/problem+json');
      return { status: response.status, body: (await response.json()) as Record<string, unknown> };
    };
    for (const text of ['{', 'graph', '"text"', '7', 'null', '[]']) expectInvalid(await send(text), '');
    const large = JSON.stringify({ ...body, more: 'x'.repeat(2 * 1024 ** 2) });
    const { body: refused } = await send(large);
    expect(refused['detail']).toMatch(/^The body has \d+ bytes, the limit is (65536|2097152); nothing was written\.$/);
  });
});

test('a known path with another method, and an unknown path', async () => {
  const response = await api.fetch(`http://tenure.local/v1${job}`, { method: 'POST' });
  expect({ status: response.status, allow: response.headers.get('allow') }).toEqual({ status: 405, allow: 'PUT, GET' });
  expect((await api.call('GET', `${job}/uploads`)).status).toBe(405);
  expect(await api.call('GET', `${job}/payloads`)).toMatchObject({ status: 404, body: { code: 'not_found' } });
});
