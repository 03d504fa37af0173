import { beforeEach, describe, expect, test } from 'vitest';
import type { Fence } from '../../../api/fence.ts';
import { eachInItsGroup } from '../../support/job-scene.ts';
import { checkpoint, type JobWorld, type Process, sha256, submit } from '../../support/job-world.ts';

interface Signed {
  readonly url: string;
  readonly headers: Record<string, string>;
}

/** How somebody who was handed a URL uses it. */
interface Use {
  readonly method?: string;
  readonly url?: (url: string) => string;
  readonly headers?: Record<string, string>;
  readonly body?: string;
  readonly afterMs?: number;
}

let world: JobWorld;
let api: Process;
let leader: Fence;
let name: string;
let job: string;

eachInItsGroup(
  'signed',
  (scene) => {
    ({ world, api, leader, name, job } = scene);
  },
  { leaseMs: 3_600_000 },
);

const hourMs = 3_600_000;
const bytes = 'the state';
const others = 'the STATE';
const checksum = (content: string) => ({
  'x-amz-checksum-sha256': Buffer.from(sha256(content), 'hex').toString('base64'),
});
const begin = async (promise: object) => {
  const { body } = await api.call('POST', `${job}/uploads`, { purpose: 'checkpoint', ...promise }, leader);
  return body;
};
const signedNames = ({ url }: Signed) => new URL(url).searchParams.get('X-Amz-SignedHeaders');
const objects = async () => (await api.room.payloads.list(`groups/${name}/`, undefined)).items.map(({ key }) => key);

/** The answer of S3: its status and the code of its refusal. */
async function used({ url, headers }: Signed, method: string, use: Use = {}) {
  world.advance(use.afterMs ?? 0);
  const verb = use.method ?? method;
  const body = verb === 'PUT' ? { body: use.body ?? bytes } : {};
  const response = await fetch(use.url?.(url) ?? url, {
    method: verb,
    headers: { ...headers, ...use.headers },
    ...body,
  });
  return [response.status, /<Code>(.*)<\/Code>/.exec(await response.text())?.[1]];
}

const mismatch = [403, 'SignatureDoesNotMatch'];
const expired = [403, 'AccessDenied'];
const elsewhere: [what: string, use: Use, refused: unknown[]][] = [
  ['another job', { url: (url) => url.replace('/nightly/', '/another/') }, mismatch],
  ['another group', { url: (url) => url.replace('/groups/signed', '/groups/assigned') }, mismatch],
  ['a longer time', { url: (url) => url.replace('Expires=3600', 'Expires=36000') }, mismatch],
  ['deleting', { method: 'DELETE' }, mismatch],
  ['the time after an hour', { afterMs: hourMs + 1_000 }, expired],
];
const otherContent: typeof elsewhere = [
  ['other bytes', { body: others }, [400, 'BadDigest']],
  ['another digest', { body: others, headers: checksum(others) }, mismatch],
  ['a longer body', { body: `${bytes} and more` }, mismatch],
  ['a shorter body', { body: bytes.slice(1), headers: checksum(bytes.slice(1)) }, mismatch],
  ['reading', { method: 'GET' }, mismatch],
];

describe('the URL of one PUT', () => {
  let signed: Signed & { uploadId: string };
  beforeEach(async () => {
    signed = await begin({ bytes: bytes.length, sha256: sha256(bytes) });
  });

  test('signs the length, the digest and that it is for once, and has no checksum where S3 would ignore it', () => {
    const { pathname, searchParams } = new URL(signed.url);
    expect(signedNames(signed)).toBe('content-length;host;if-none-match;x-amz-checksum-sha256');
    expect(searchParams.get('X-Amz-Expires')).toBe('3600');
    expect([...searchParams.keys()].filter((key) => /checksum-sha/i.test(key))).toEqual([]);
    expect(pathname).toBe(`/${world.bucket}/groups/${name}/jobs/nightly/${signed.uploadId}`);
    expect(signed.uploadId).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7/);
  });

  test.each([
    ...elsewhere,
    ...otherContent,
    [
      'another upload',
      { url: (url: string) => url.replace(/.(?=\?)/, (last) => (last === '0' ? '1' : '0')) },
      mismatch,
    ],
    ['writing over', { headers: { 'if-none-match': '' } }, mismatch],
  ] satisfies typeof elsewhere)('is not for %s', async (_, use, refused) => {
    expect(await used(signed, 'PUT', use)).toEqual(refused);
    expect(await objects()).toEqual([]);
  });

  test('serves its bytes until the hour is over, once', async () => {
    expect(await used(signed, 'PUT', { afterMs: hourMs - 30_000 })).toEqual([200, undefined]);
    expect(await used(signed, 'PUT')).toEqual([412, 'PreconditionFailed']);
    expect(await objects()).toEqual([`groups/${name}/jobs/nightly/${signed.uploadId}`]);
  });
});

describe('the URL of a part', () => {
  let signed: Signed;
  beforeEach(async () => {
    const { uploadId } = await begin({});
    const parts = [{ partNumber: 1, bytes: bytes.length, sha256: sha256(bytes) }];
    const { body } = await api.call('POST', `${job}/uploads/${uploadId}/parts`, { parts }, leader);
    signed = body.urls[0];
  });

  test.each([
    ...elsewhere,
    ...otherContent,
    ['another part', { url: (url: string) => url.replace('partNumber=1', 'partNumber=2') }, mismatch],
    ['another upload', { url: (url: string) => url.replace('uploadId=', 'uploadId=0') }, mismatch],
  ] satisfies typeof elsewhere)('is not for %s', async (_, use, refused) => {
    expect(signedNames(signed)).toBe('content-length;host;x-amz-checksum-sha256');
    expect(await used(signed, 'PUT', use)).toEqual(refused);
  });

  test('serves its bytes until the hour is over', async () => {
    expect(await used(signed, 'PUT', { afterMs: hourMs - 30_000 })).toEqual([200, undefined]);
  });
});

describe('the URL of a download', () => {
  let signed: Signed;
  let graph: string;
  beforeEach(async () => {
    await submit(api, leader, job);
    await checkpoint(api, leader, job, bytes);
    signed = { url: (await api.call('GET', `${job}/checkpoints/latest`)).body.url, headers: {} };
    graph = (await api.call('GET', job)).body.graph.url;
  });

  test.each([
    ...elsewhere,
    ['the graph', { url: (url: string) => graph.replace(/\?.*/, new URL(url).search) }, mismatch],
    ['writing', { method: 'PUT' }, mismatch],
    ['a list', { url: (url: string) => url.replace(/groups\/[^?]*/, '') }, mismatch],
  ] satisfies typeof elsewhere)('is not for %s', async (_, use, refused) => {
    const before = await objects();
    expect(await used(signed, 'GET', use)).toEqual(refused);
    expect(await objects()).toEqual(before);
  });

  test('serves its reader until the hour is over', async () => {
    expect(await used(signed, 'GET', { afterMs: hourMs - 30_000 })).toEqual([200, undefined]);
  });
});
