import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, onTestFinished, test, vi } from 'vitest';
import { Guard } from '../../../../cli/lead/guard.ts';
import { groupRuns } from '../../../../cli/lead/process-group.mjs';
import { readClocks, Term } from '../../../../client/leadership/term.ts';
import { ManualTime } from '../../../support/manual-time.ts';
import { family } from '../../../support/processes.ts';

/** A process group that runs until it is stopped. */
function command(): ChildProcess & { pid: number } {
  const child = spawn('sleep', ['600'], { detached: true, stdio: 'ignore' });
  onTestFinished(() => void child.kill('SIGKILL'));
  return child as ChildProcess & { pid: number };
}

function guarded(onFailure = () => {}): Guard {
  const guard = new Guard(onFailure);
  onTestFinished(() => guard.end());
  return guard;
}

const grant = (time: ManualTime) => ({
  fencingVersion: 1,
  sessionId: 'one',
  leaseMs: 600_000,
  askedAt: readClocks(time),
});

const termOf = (time: ManualTime) => new Term('orders', grant(time), time, 250, () => {});

/** A service that takes resignations; `group` is looked at when one arrives. */
async function service(group: number, ...statuses: number[]) {
  const requests: { method: string; url: string; session: unknown; body: string; commandRan: boolean }[] = [];
  const server = createServer(async (request, response) => {
    let body = '';
    for await (const chunk of request) body += chunk;
    const { method = '', url = '', headers } = request;
    requests.push({ method, url, session: headers['leader-session'], body, commandRan: groupRuns(group) });
    response.writeHead(statuses.shift() ?? 200).end();
  }).listen(0, '127.0.0.1');
  onTestFinished(() => void server.close());
  await once(server, 'listening');
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/resign`;
  const resignation = async () => ({ method: 'POST', url, headers: { 'Leader-Session': 'one' }, body: '{}' });
  return { requests, resignation };
}

const patience = { timeout: 20_000 };

test('a guard that replaces another one acts when the lease ends, not a whole lease later', async () => {
  const before = family(process.pid);
  let failures = 0;
  const guard = guarded(() => {
    failures += 1;
  });
  const [first = 0] = family(process.pid).filter((pid) => !before.includes(pid));
  const running = command();
  const time = new ManualTime();
  const { requests, resignation } = await service(running.pid);
  await guard.granted(termOf(time), resignation);
  guard.watch(running.pid, 1_000);
  await time.advance(599_000);
  process.kill(first, 'SIGKILL');
  expect(await once(running, 'exit')).toEqual([null, 'SIGTERM']);
  expect(failures).toBe(1);
  expect(requests).toEqual([]);
});

test.each([['running'], ['stopped']])(
  'when lead is gone the guard ends a %s command, then gives the lease back, again if the service is busy',
  async (state) => {
    const guard = guarded();
    const running = command();
    const { requests, resignation } = await service(running.pid, 503);
    await guard.granted(termOf(new ManualTime()), resignation);
    guard.starting();
    guard.watch(running.pid, 5_000);
    if (state === 'stopped') process.kill(running.pid, 'SIGSTOP');
    guard.end();
    expect(await once(running, 'exit')).toEqual([null, 'SIGTERM']);
    await vi.waitFor(() => expect(requests).toHaveLength(2), patience);
    const resigned = { method: 'POST', url: '/resign', session: 'one', body: '{}', commandRan: false };
    expect(requests).toEqual([resigned, resigned]);
  },
);

test('a command that does not listen to SIGTERM is killed after the grace, before the lease is given back', async () => {
  const guard = guarded();
  const stubborn = spawn('sh', ['-c', 'trap "" TERM; echo ready; while :; do sleep 0.1; done'], {
    detached: true,
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  const pid = stubborn.pid ?? 0;
  onTestFinished(() => void stubborn.kill('SIGKILL'));
  await once(stubborn.stdout, 'data');
  const { requests, resignation } = await service(pid);
  await guard.granted(termOf(new ManualTime()), resignation);
  guard.watch(pid, 300);
  guard.end();
  expect(await once(stubborn, 'exit')).toEqual([null, 'SIGKILL']);
  await vi.waitFor(() => expect(requests).toMatchObject([{ commandRan: false }]), patience);
});

test('a lease whose command may have been starting is not given back, nor one whose term is over', async () => {
  const { requests, resignation } = await service(0);
  for (const last of ['starting', 'over'] as const) {
    const before = family(process.pid);
    const guard = guarded();
    const [pid = 0] = family(process.pid).filter((one) => !before.includes(one));
    await guard.granted(termOf(new ManualTime()), resignation);
    guard[last]();
    guard.end();
    await vi.waitFor(() => expect(family(process.pid)).not.toContain(pid), patience);
  }
  expect(requests).toEqual([]);
});
