import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, inject, test, vi } from 'vitest';
import { order } from '../../support/stack.ts';

const stack = inject('stack');
const group = `/v1/groups/permissions-${process.pid}`;

async function call(method: string, path: string, body?: object, headers: Record<string, string> = {}) {
  const init = body ? { body: JSON.stringify(body) } : {};
  const answer = await fetch(stack.api + path, {
    method,
    headers: { 'content-type': 'application/json', ...headers },
    ...init,
  });
  expect(answer.status, `${method} ${path}: ${await answer.clone().text()}`).toBe(200);
  return (await answer.json()) as Record<string, never>;
}

const fenceOf = ({ fencingVersion, sessionId }: Record<string, string | number>) => ({
  'fencing-version': String(fencingVersion),
  'leader-session': String(sessionId),
});

// Denied requests are reported when the shared stack ends, and fail the run.
test('each function may do in the stores what its operations take', async () => {
  const first = fenceOf(await call('POST', `${group}/leadership/contend`, { contenderId: 'a' }));
  await call('POST', `${group}/leadership/confirm`, { address: 'a:1' }, first);
  await call('POST', `${group}/leadership/renew`, { address: 'a:1' }, first);
  await call('GET', `${group}/leadership?consistent=true`);
  await call('POST', `${group}/leadership/resign`, { successor: 'b' }, first);
  const second = await call('POST', `${group}/leadership/contend`, { contenderId: 'b' });
  await call('POST', `${group}/leadership/confirm`, { address: 'b:1' }, fenceOf(second));
  const { fencingVersion } = second;
  await call('POST', `${group}/leadership/revoke`, { fencingVersion, reason: 'test', dryRun: true });
  await call('POST', `${group}/leadership/revoke`, { fencingVersion, reason: 'test', force: true });
  await call('GET', `${group}/leadership/terms`);
  await call('GET', '/v1/groups');
  await call('GET', '/v1/health');
  await call('GET', '/v1/openapi.json');

  const name = stack.schedules.find((schedule) => schedule.includes('minute'));
  expect((await order(stack, `schedules/${name}`)).status).toBe(202);
  const log = join(stack.logs, `${stack.functions.find((name) => name.includes('minute'))}.log`);
  await vi.waitFor(async () => expect(await readFile(log, 'utf8')).toContain('"terms"'), {
    timeout: 60_000,
    interval: 100,
  });
});
