import { describe, expect, test } from 'vitest';
import { leadership, leadershipCaller } from './caller.ts';
import { operationsContract } from './operations-contract.ts';

const it = leadershipCaller();
const { call } = it;

describe('over HTTP', () => operationsContract(it, call));

test('a refusal is a problem document, with the time to wait in seconds in a header', async () => {
  await call('POST', `${leadership}/contend`, { contenderId: 'a', leaseMs: 5_000 });
  const held = await call('POST', `${leadership}/contend`, { contenderId: 'b' });
  expect(held.headers.get('content-type')).toBe('application/problem+json');
  expect(held.headers.get('retry-after')).toBe('6');
  expect(held.body).toMatchObject({ type: 'urn:tenure:leadership_held', status: 409, retryAfterMs: 5_251 });
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
