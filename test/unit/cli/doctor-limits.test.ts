import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, expect, onTestFinished, test, vi } from 'vitest';
import { limitsOf } from '../../../cli/doctor-limits.ts';

afterEach(() => vi.unstubAllEnvs());

/** An account that answers GetAccountSettings so. */
async function account(status: number, answer: object): Promise<void> {
  const server = createServer((_, response) => {
    response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(answer));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    server.close();
  });
  vi.stubEnv('AWS_ENDPOINT_URL_LAMBDA', `http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  vi.stubEnv('AWS_ACCESS_KEY_ID', 'local');
  vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'local');
}

const limit = (ConcurrentExecutions: number, UnreservedConcurrentExecutions = ConcurrentExecutions) => ({
  AccountLimit: { ConcurrentExecutions, UnreservedConcurrentExecutions },
});

test('an account with room is fine', async () => {
  await account(200, limit(1_000));
  expect(await limitsOf('eu-west-1')).toEqual({
    check: 'limits',
    status: 'ok',
    found: 'Lambda runs 1000 functions at once, 1000 of them unreserved',
  });
});

test('a new account is told which limit to raise, and why', async () => {
  await account(200, limit(10));
  expect(await limitsOf('eu-west-1')).toMatchObject({
    status: 'warning',
    found: expect.stringContaining('10 functions at once'),
    remedy: expect.stringMatching(/throttle leaders' renewals.*Ask for 1,000/),
  });
});

test('one that has reserved nearly all is told so', async () => {
  await account(200, limit(1_000, 60));
  expect((await limitsOf('eu-west-1')).remedy).toMatch(/reserve less/);
});

test('credentials that may not look are no failure', async () => {
  await account(403, { Type: 'User', Message: 'not authorized to perform: lambda:GetAccountSettings' });
  expect(await limitsOf('eu-west-1')).toMatchObject({
    status: 'warning',
    found: expect.stringContaining('not authorized'),
  });
});
