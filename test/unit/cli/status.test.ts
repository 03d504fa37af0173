import { expect, onTestFinished, test, vi } from 'vitest';
import { runCli } from '../../../cli/main.ts';
import { recordedShell } from '../../support/shell.ts';

const leader = {
  contenderId: 'a',
  sessionId: '0d3c0d5a-6a3f-4f0c-9d4b-3a6c1a52a1f1',
  address: 'vm:1',
  metadata: null,
  confirmedAt: new Date(Date.now() - 180_000).toISOString(),
  expiresAt: new Date(Date.now() + 10_000).toISOString(),
};
const replica = { status: 'VOTING', begin: 1, end: 9, promised: 1, lag: 0 };

/** The service as it answers these paths. */
async function tenure(answers: Readonly<Record<string, object>>, ...argv: string[]) {
  const fetch = vi.spyOn(globalThis, 'fetch').mockImplementation(async (input) => {
    const found = answers[new URL(String(input)).pathname];
    return found ? Response.json(found) : new Response('', { status: 404 });
  });
  onTestFinished(() => void fetch.mockRestore());
  const { shell, out, err } = recordedShell();
  return { code: await runCli(argv, shell), out: out(), err: err() };
}

function service(voting: number) {
  const now = new Date().toISOString();
  const stores = { dynamodb: 'reached', s3: 'reached' };
  const log = {
    log: 'events',
    autoInitialize: true,
    createdAt: now,
    configuration: { version: 1, replicas: [] },
    begin: 1,
    end: 9,
    quorum: 2,
    voting,
    replicas: [1, 2, 3].map((id) => ({ ...replica, id: String(id) })),
  };
  return {
    '/v1/health': { status: 'ok', version: '0.1.0', stores, now },
    '/v1/groups': { items: [{ group: 'orders', fencingVersion: 7, leader, pending: false }] },
    '/v1/groups/orders/logs': { items: [log] },
  };
}

test('status tells version, health and leaders, and ends with 0 when nothing is wrong', async () => {
  const { code, out } = await tenure(service(3), 'status');
  expect(code).toBe(0);
  expect(out).toMatch(/^address +http:\/\/127\.0\.0\.1:8787\nversion +0\.1\.0\nhealth +dynamodb reached, s3 reached\n/);
  expect(out).toMatch(/\norders +7 +a +3 min ago\n/);
  expect(out).toContain('\nnothing is wrong\n');
});

test('status ends with 1 and says what is wrong', async () => {
  const { code, out } = await tenure(service(1), 'status');
  expect(code).toBe(1);
  expect(out).toContain('WRONG  log events of orders: 1 of 3 replicas vote; 2 must, so it takes no entries\n');
  const json = JSON.parse((await tenure(service(1), 'status', '--json')).out);
  expect(json).toMatchObject({ version: '0.1.0', groups: [{ group: 'orders' }], wrong: [expect.any(String)] });
  expect(json.groups[0].leader.confirmedAt).toBe(leader.confirmedAt);
});

test('status ends with 0 where it did not look at every group, and says so', async () => {
  const names = Array.from({ length: 51 }, (_, n) => `group-${n}`);
  const items = names.map((group) => ({ group, fencingVersion: 1, leader, pending: false }));
  const logs = Object.fromEntries(names.map((group) => [`/v1/groups/${group}/logs`, { items: [] }]));
  const { code, out } = await tenure({ ...service(3), ...logs, '/v1/groups': { items } }, 'status');
  expect(code, out).toBe(0);
  expect(out).toContain('nothing is wrong\nonly the logs of the first 50 groups were looked at\n');
});

test('status of a service that is not Tenure ends with 69', async () => {
  expect((await tenure({ '/v1/health': {} }, 'status')).code).toBe(69);
});
