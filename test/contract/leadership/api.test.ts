import { describe, expect, test } from 'vitest';
import { fenceOf, leadership, leadershipCaller } from './caller.ts';

const it = leadershipCaller();
const { call } = it;

test('a term from contend to resign, as callers see it', async () => {
  const granted = await call('POST', `${leadership}/contend`, {
    contenderId: 'a',
    instanceId: 'process-1',
    leaseMs: 5_000,
  });
  const expiresAt = new Date(it.clock.time + 5_000).toISOString();
  expect(granted).toMatchObject({ status: 200, body: { fencingVersion: 1, leaseMs: 5_000, expiresAt } });
  const fence = fenceOf(granted);
  expect((await call('GET', leadership)).body).toEqual({
    leader: null,
    fencingVersion: 1,
    pending: true,
    addresses: {},
    instanceId: 'process-1',
    availableInMs: 5_251,
  });

  const metadata = { zone: 'a' };
  const confirmedAt = new Date(it.clock.time).toISOString();
  expect(await call('POST', `${leadership}/confirm`, { address: 'x:1', metadata }, fence)).toMatchObject({
    status: 200,
    body: { confirmedAt, expiresAt },
  });
  const leader = {
    contenderId: 'a',
    sessionId: fence['Leader-Session'],
    address: 'x:1',
    metadata,
    confirmedAt,
    expiresAt,
  };
  expect((await call('GET', `${leadership}?consistent=true`)).body).toEqual({
    leader,
    fencingVersion: 1,
    pending: false,
    addresses: {},
    instanceId: 'process-1',
    availableInMs: 5_251,
  });
  expect((await call('GET', '/v1/groups')).body).toEqual({
    items: [{ group: 'orders', leader, fencingVersion: 1, pending: false }],
  });

  it.clock.time += 1_000;
  const renewed = await call('POST', `${leadership}/renew`, {}, fence);
  expect(renewed.body).toEqual({ expiresAt: new Date(it.clock.time + 5_000).toISOString() });

  const held = await call('POST', `${leadership}/contend`, { contenderId: 'b' });
  expect(held.headers.get('content-type')).toBe('application/problem+json');
  expect(held.headers.get('retry-after')).toBe('6');
  expect(held).toMatchObject({
    status: 409,
    body: {
      type: 'urn:tenure:leadership_held',
      status: 409,
      code: 'leadership_held',
      retryable: true,
      retryAfterMs: 5_251,
      holder: { contenderId: 'a', fencingVersion: 1, confirmed: true, expiresAt: renewed.body.expiresAt },
    },
  });

  expect(await call('POST', `${leadership}/resign`, {}, fence)).toMatchObject({ status: 200, body: {} });
  expect(await call('POST', `${leadership}/renew`, {}, fence)).toMatchObject({
    status: 409,
    body: { code: 'leadership_lost', retryable: false, reason: 'resigned', fencingVersion: 1 },
  });
  const terms = await call('GET', `${leadership}/terms`);
  expect(terms.body.items).toEqual([
    {
      fencingVersion: 1,
      contenderId: 'a',
      sessionId: fence['Leader-Session'],
      address: 'x:1',
      grantedAt: confirmedAt,
      confirmedAt,
      leaseMs: 5_000,
      endedAt: new Date(it.clock.time).toISOString(),
      endReason: 'resigned',
    },
  ]);
});

test('named addresses as callers see them', async () => {
  const granted = await call('POST', `${leadership}/contend`, { contenderId: 'a' });
  const fence = fenceOf(granted);
  await call('POST', `${leadership}/confirm`, { address: 'x:1' }, fence);
  const rest = `${leadership}/addresses/rest`;
  expect(await call('PUT', rest, { address: 'http://x:8081' }, fence)).toMatchObject({ status: 200, body: {} });
  expect((await call('GET', leadership)).body.addresses).toEqual({ rest: 'http://x:8081' });
  expect(await call('PUT', rest, { address: 'http://x:8081' })).toMatchObject({ status: 428 });
  expect(await call('PUT', rest, { address: 'x'.repeat(513) }, fence)).toMatchObject({ status: 400 });
  expect(await call('PUT', rest, { address: '' }, fence)).toMatchObject({ status: 400 });
  expect(await call('DELETE', rest, undefined, { ...fence, 'Fencing-Version': '9' })).toMatchObject({
    status: 409,
    body: { code: 'leadership_lost' },
  });
  expect(await call('DELETE', rest, undefined, fence)).toMatchObject({ status: 200, body: {} });
  expect((await call('GET', leadership)).body.addresses).toEqual({});
});

test('a group that nobody ever led has no leader and version 0', async () => {
  expect((await call('GET', leadership)).body).toEqual({
    leader: null,
    fencingVersion: 0,
    pending: false,
    addresses: {},
    availableInMs: 0,
  });
});

describe('a refused request', () => {
  const fence = { 'Fencing-Version': '1', 'Leader-Session': '46ec2d50-f2c9-4f24-a86a-6ad341239e04' };
  test.each<[string, string, string, unknown, Record<string, string>, number, string, string?]>([
    ['no body', 'POST', `${leadership}/contend`, undefined, {}, 400, 'invalid_request', 'contenderId'],
    ['not JSON', 'POST', `${leadership}/contend`, '{"contenderId":', {}, 400, 'invalid_request', ''],
    ['an array', 'POST', `${leadership}/contend`, [], {}, 400, 'invalid_request', ''],
    [
      'an unknown field',
      'POST',
      `${leadership}/contend`,
      { contenderId: 'a', lease: 1 },
      {},
      400,
      'invalid_request',
      '',
    ],
    [
      'a lease of a wrong type',
      'POST',
      `${leadership}/contend`,
      { contenderId: 'a', leaseMs: '5000' },
      {},
      400,
      'invalid_request',
      'leaseMs',
    ],
    [
      'a lease too short',
      'POST',
      `${leadership}/contend`,
      { contenderId: 'a', leaseMs: 999 },
      {},
      400,
      'invalid_request',
      'leaseMs',
    ],
    [
      'a lease too long',
      'POST',
      `${leadership}/contend`,
      { contenderId: 'a', leaseMs: 3_600_001 },
      {},
      400,
      'invalid_request',
      'leaseMs',
    ],
    [
      'a bad contender',
      'POST',
      `${leadership}/contend`,
      { contenderId: '../a' },
      {},
      400,
      'invalid_request',
      'contenderId',
    ],
    [
      'a bad group',
      'POST',
      '/v1/groups/a%2Fb/leadership/contend',
      { contenderId: 'a' },
      {},
      400,
      'invalid_request',
      'group',
    ],
    [
      'a group of 129',
      'GET',
      `/v1/groups/${'g'.repeat(129)}/leadership`,
      undefined,
      {},
      400,
      'invalid_request',
      'group',
    ],
    [
      'a long key',
      'POST',
      `${leadership}/contend`,
      { contenderId: 'a' },
      { 'Idempotency-Key': 'k'.repeat(65) },
      400,
      'invalid_request',
      'Idempotency-Key',
    ],
    ['no fence', 'POST', `${leadership}/renew`, {}, {}, 428, 'fence_required'],
    ['half a fence', 'POST', `${leadership}/renew`, {}, { 'Fencing-Version': '1' }, 428, 'fence_required'],
    [
      'a fence of text',
      'POST',
      `${leadership}/renew`,
      {},
      { ...fence, 'Fencing-Version': '1e3' },
      400,
      'invalid_request',
      'Fencing-Version',
    ],
    [
      'a session of text',
      'POST',
      `${leadership}/renew`,
      {},
      { ...fence, 'Leader-Session': 'me' },
      400,
      'invalid_request',
      'Leader-Session',
    ],
    [
      'a long address',
      'POST',
      `${leadership}/confirm`,
      { address: 'a'.repeat(257) },
      fence,
      400,
      'invalid_request',
      'address',
    ],
    [
      'much metadata',
      'POST',
      `${leadership}/confirm`,
      { address: 'a', metadata: { a: 'm'.repeat(249) } },
      fence,
      400,
      'invalid_request',
      'metadata',
    ],
    [
      'a huge body',
      'POST',
      `${leadership}/contend`,
      { contenderId: 'a'.repeat(70_000) },
      {},
      400,
      'invalid_request',
      '',
    ],
    ['a bad query', 'GET', `${leadership}?consistent=yes`, undefined, {}, 400, 'invalid_request', 'consistent'],
    ['a limit of 1001', 'GET', '/v1/groups?limit=1001', undefined, {}, 400, 'invalid_request', 'limit'],
    [
      'a forged cursor',
      'GET',
      `${leadership}/terms?cursor=TEVBREVSU0hJUA`,
      undefined,
      {},
      400,
      'invalid_request',
      'cursor',
    ],
    ['a cursor that is no name', 'GET', '/v1/groups?cursor=e30', undefined, {}, 400, 'invalid_request', 'cursor'],
    ['an unknown route', 'GET', '/v1/group', undefined, {}, 404, 'not_found'],
    ['a wrong method', 'DELETE', leadership, undefined, {}, 405, 'method_not_allowed'],
    ['a term that never was', 'POST', `${leadership}/renew`, {}, fence, 409, 'leadership_lost'],
  ])('%s', async (_, method, path, body, headers, status, code, issue) => {
    const answer = await call(method, path, body, headers);
    expect(answer).toMatchObject({ status, body: { status, code, type: `urn:tenure:${code}` } });
    expect(answer.body.detail).not.toBe('');
    if (issue !== undefined) expect(answer.body.issues[0]).toMatchObject({ path: issue, message: expect.any(String) });
    expect(it.faults.sent.filter(({ refused }) => refused === undefined)).toEqual(
      it.faults.sent.filter(({ command }) => command === 'GetItemCommand' || command === 'QueryCommand'),
    );
  });
});

test('a lease that the allowance for skew would eat is refused with both values', async () => {
  it.serveWith({ maxClockSkewMs: 500 });
  const answer = await call('POST', `${leadership}/contend`, { contenderId: 'a', leaseMs: 1_000 });
  expect(answer).toMatchObject({ status: 400, body: { code: 'invalid_request', issues: [{ path: 'leaseMs' }] } });
  expect(answer.body.detail).toMatch(/1000.*500/);
});

test('a store that is throttled is 503, retryable, with a time to wait', async () => {
  it.faults.plan = () => 'throttle';
  const answer = await call('POST', `${leadership}/contend`, { contenderId: 'a' });
  expect(answer).toMatchObject({
    status: 503,
    body: { code: 'unavailable', retryable: true, retryAfterMs: expect.any(Number) },
  });
});
