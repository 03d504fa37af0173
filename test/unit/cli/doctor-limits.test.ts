import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, onTestFinished, test, vi } from 'vitest';
import { limitsOf } from '../../../cli/doctor-limits.ts';

afterEach(() => vi.unstubAllEnvs());

type Answer = { status?: number; body: object };

/** By the path of Lambda's request, or by the operation of the others, followed by the service asked about. */
type Account = Readonly<Record<string, Answer>>;

async function account(answers: Account): Promise<string[]> {
  const asked: string[] = [];
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk);
    const { ServiceCode, NextToken } = JSON.parse(Buffer.concat(chunks).toString() || '{}') as Record<string, string>;
    const operation = request.headers['x-amz-target']?.toString().split('.')[1] ?? 'GetAccountSettings';
    const name = [operation, ServiceCode, NextToken].filter((part) => part !== undefined).join(' ');
    asked.push(name);
    const { status = 200, body } = answers[name] ?? { body: {} };
    response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    server.close();
  });
  vi.stubEnv('AWS_ENDPOINT_URL', `http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  vi.stubEnv('AWS_ACCESS_KEY_ID', 'local');
  vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'local');
  return asked;
}

const lambda = (ConcurrentExecutions: number, UnreservedConcurrentExecutions = ConcurrentExecutions): Account => ({
  GetAccountSettings: { body: { AccountLimit: { ConcurrentExecutions, UnreservedConcurrentExecutions } } },
});
const quotas = (pairs: Record<string, number>, more: object = {}): Answer => ({
  body: { Quotas: Object.entries(pairs).map(([QuotaName, Value]) => ({ QuotaName, Value })), ...more },
});
const policies = (count: number, policyDocument = '{}'): Account => ({
  DescribeResourcePolicies: { body: { resourcePolicies: Array.from({ length: count }, () => ({ policyDocument })) } },
});

const workflows = {
  'StateTransition throttle token refill rate per second': 800,
  'StartExecution throttle token refill rate per second': 150,
};
const roomy: Account = {
  ...lambda(1_000),
  ...policies(1),
  'ListAWSDefaultServiceQuotas apigateway': quotas({ 'Throttle rate': 10_000, 'Throttle burst rate': 5_000 }),
  'ListAWSDefaultServiceQuotas states': quotas(workflows),
  'ListAWSDefaultServiceQuotas events': quotas({ 'PutEvents throttle limit in transactions per second': 400 }),
};

const finding = async (check: string) => (await limitsOf('eu-west-1')).find((one) => one.check === check);

test('an account with room is fine', async () => {
  const asked = await account(roomy);
  expect(await limitsOf('eu-west-1')).toEqual([
    { check: 'limits', status: 'ok', found: 'Lambda runs 1000 functions at once, 1000 of them unreserved' },
    { check: 'api limits', status: 'ok', found: '10000 requests a second, 5000 requests at once' },
    { check: 'workflows', status: 'ok', found: '800 transitions a second, 150 starts a second' },
    { check: 'events', status: 'ok', found: '400 calls a second' },
    { check: 'log policies', status: 'ok', found: '1 of 10 resource policies of CloudWatch Logs' },
  ]);
  expect(asked).toHaveLength(8);
});

describe('functions at once', () => {
  test('a new account is told which limit to raise, and why', async () => {
    await account(lambda(10));
    expect(await finding('limits')).toMatchObject({
      status: 'warning',
      found: expect.stringContaining('10 functions at once'),
      remedy: expect.stringMatching(/throttle leaders' renewals.*Ask for 1,000/),
    });
  });

  test('one that has reserved nearly all is told so', async () => {
    await account(lambda(1_000, 60));
    expect((await finding('limits'))?.remedy).toMatch(/reserve less/);
  });
});

describe('a quota listed by Service Quotas', () => {
  test('this account has instead of the default counts, on whichever page it stands', async () => {
    await account({
      ...roomy,
      'ListServiceQuotas states': quotas({ 'Registered activities': 1 }, { NextToken: 'more' }),
      'ListServiceQuotas states more': quotas({ 'StateTransition throttle token refill rate per second': 10 }),
    });
    expect(await finding('workflows')).toEqual({
      check: 'workflows',
      status: 'warning',
      found: '10 transitions a second, 150 starts a second',
      remedy:
        'Below that backups, restores and recoveries of many groups at once take longer. Ask for "StateTransition throttle token refill rate per second" of at least 100 (Service Quotas, states).',
    });
  });

  test('below what leaders may ask for is said with both numbers', async () => {
    const small = quotas({ 'Throttle rate': 2_500, 'Throttle burst rate': 1_250 });
    await account({ ...roomy, 'ListServiceQuotas apigateway': small });
    expect(await finding('api limits')).toMatchObject({
      status: 'warning',
      found: '2500 requests a second, 1250 requests at once',
      remedy: expect.stringMatching(/refuses renewals.*"Throttle burst rate" of at least 2000 /),
    });
  });

  test('a quota that it does not list is reported unknown, not fine', async () => {
    await account({ ...roomy, 'ListAWSDefaultServiceQuotas events': quotas({}) });
    expect(await finding('events')).toMatchObject({ status: 'warning', found: 'unknown calls a second' });
  });

  test('a list that never ends is given up', async () => {
    const again = quotas({ Other: 1 }, { NextToken: 'again' });
    const asked = await account({
      ...roomy,
      'ListServiceQuotas events': again,
      'ListServiceQuotas events again': again,
    });
    expect(await finding('events')).toMatchObject({ status: 'ok' });
    expect(asked.filter((name) => name.endsWith('again'))).toHaveLength(9);
  });
});

describe('resource policies of CloudWatch Logs', () => {
  test('ten without one for deliveries leave no room', async () => {
    await account({ ...roomy, ...policies(10) });
    expect(await finding('log policies')).toMatchObject({
      status: 'warning',
      remedy: expect.stringContaining('delete-resource-policy'),
    });
  });

  test('ten are enough if one of them is for deliveries', async () => {
    await account({ ...roomy, ...policies(10, '{"Principal":{"Service":"delivery.logs.amazonaws.com"}}') });
    expect(await finding('log policies')).toMatchObject({ status: 'ok' });
  });
});

test('credentials that may not look are no failure, and what to allow is named', async () => {
  const refused = { status: 403, body: { message: 'not authorized to do this' } };
  await account({
    GetAccountSettings: refused,
    DescribeResourcePolicies: refused,
    'ListServiceQuotas apigateway': refused,
    'ListServiceQuotas states': refused,
    'ListServiceQuotas events': refused,
  });
  const findings = await limitsOf('eu-west-1');
  expect(findings).toHaveLength(5);
  for (const { status, found, remedy } of findings) {
    expect([status, found]).toEqual(['warning', 'cannot be read: not authorized to do this']);
    expect(remedy).toMatch(/^Allow (lambda|servicequotas|logs):/);
  }
});
