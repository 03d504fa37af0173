import { randomUUID } from 'node:crypto';
import { expect, onTestFinished, test, vi } from 'vitest';
import { runCli } from '../../../cli/main.ts';
import { recordedShell } from '../../support/shell.ts';

test.each([
  [[], /^tenure: GET .* was answered with 403/],
  [['--json'], /^\{"error":\{"code":"forbidden","message":"GET [^\n]*"\}\}$/],
])('leader watch %j says what it cannot see as every error is said, and continues', async (options, said) => {
  const views = [{ leader: null, fencingVersion: 1, pending: false, availableInMs: 0 }, undefined];
  const fetch = vi.spyOn(globalThis, 'fetch').mockImplementation(async () => {
    const view = views.shift();
    return view ? Response.json(view) : new Response('', { status: 403 });
  });
  onTestFinished(() => void fetch.mockRestore());
  const onErr = () => process.listeners('SIGINT').at(-1)?.('SIGINT');
  const { shell, out, err } = recordedShell({}, { onErr });
  const argv = ['leader', 'watch', '--group', 'orders', '--every', '1ms', ...options];
  expect(await runCli(argv, shell)).toBe(0);
  expect(out().trim().split('\n')).toHaveLength(1);
  expect(err().trim()).toMatch(said);
});

test.each([
  [['--to', 'b'], { fencingVersion: 3, successor: 'b' }, 'a is asked to hand term 3 over to b; follow it'],
  [[], { fencingVersion: 3 }, 'a is asked to hand term 3 over to the first to contend; follow it'],
])('leader hand-over %j asks the leader of the term that runs now', async (more, body, said) => {
  const answers = [{ leader: null, fencingVersion: 3, pending: true, availableInMs: 9 }, { contenderId: 'a' }];
  const sent: unknown[] = [];
  const fetch = vi.spyOn(globalThis, 'fetch').mockImplementation(async (_, init) => {
    if (init?.body) sent.push(JSON.parse(String(init.body)));
    return Response.json(answers.shift());
  });
  onTestFinished(() => void fetch.mockRestore());
  const { shell, out } = recordedShell({});
  expect(await runCli(['leader', 'hand-over', '--group', 'orders', ...more], shell)).toBe(0);
  expect(sent).toEqual([body]);
  expect(out()).toContain(said);
});

test('leader show names every address of the leader', async () => {
  const confirmedAt = new Date().toISOString();
  const leader = {
    contenderId: 'a',
    sessionId: randomUUID(),
    address: 'x:1',
    metadata: null,
    confirmedAt,
    expiresAt: confirmedAt,
  };
  const addresses = { rest: 'http://x:8081', dispatcher: 'akka://x' };
  const view = { leader, fencingVersion: 3, pending: false, availableInMs: 9, addresses };
  const fetch = vi
    .spyOn(globalThis, 'fetch')
    .mockImplementation(async (url) =>
      Response.json(String(url).includes('/journal') ? { kept: false, items: [] } : view),
    );
  onTestFinished(() => void fetch.mockRestore());
  const { shell, out } = recordedShell({});
  expect(await runCli(['leader', 'show', '--group', 'orders'], shell)).toBe(0);
  expect(out()).toMatch(/waiting +not known: the deployment keeps no journal/);
  expect(out()).toMatch(/address of rest +http:\/\/x:8081/);
  expect(out()).toMatch(/address of dispatcher +akka:\/\/x/);
});

test('leader hand-over of a group that nobody has led says so, and asks nobody', async () => {
  const view = { leader: null, fencingVersion: 0, pending: false, availableInMs: 0 };
  const fetch = vi.spyOn(globalThis, 'fetch').mockImplementation(async () => Response.json(view));
  onTestFinished(() => void fetch.mockRestore());
  const { shell, err } = recordedShell({});
  expect(await runCli(['leader', 'hand-over', '--group', 'orders'], shell)).toBe(1);
  expect(err()).toContain('Group "orders" has never been led');
  expect(fetch).toHaveBeenCalledTimes(1);
});

test('leader show names who waits, from the journal', async () => {
  const seenAt = new Date(Date.now() - 20_000).toISOString();
  const minute = { at: seenAt, refused: [], happened: [], waiting: [{ contenderId: 'b', seenAt }] };
  const fetch = vi.spyOn(globalThis, 'fetch').mockImplementation(async (url) => {
    if (String(url).includes('/journal')) return Response.json({ kept: true, items: [minute] });
    return Response.json({ leader: null, fencingVersion: 3, pending: true, availableInMs: 9 });
  });
  onTestFinished(() => void fetch.mockRestore());
  const { shell, out } = recordedShell({});
  expect(await runCli(['leader', 'show', '--group', 'orders'], shell)).toBe(0);
  expect(out()).toMatch(/waiting\s+b \(seen .*20 s ago\)/);
});

test('leader hand-over --dry-run says who would be asked', async () => {
  const answers = [
    { leader: null, fencingVersion: 3, pending: true, availableInMs: 9 },
    { contenderId: 'a', asked: false },
  ];
  const sent: unknown[] = [];
  const fetch = vi.spyOn(globalThis, 'fetch').mockImplementation(async (_, init) => {
    if (init?.body) sent.push(JSON.parse(String(init.body)));
    return Response.json(answers.shift());
  });
  onTestFinished(() => void fetch.mockRestore());
  const { shell, out } = recordedShell({});
  expect(await runCli(['leader', 'hand-over', '--group', 'orders', '--to', 'b', '--dry-run'], shell)).toBe(0);
  expect(sent).toEqual([{ fencingVersion: 3, successor: 'b', dryRun: true }]);
  expect(out()).toContain('a would be asked to hand term 3 over to b');
});

test('leader show says how long the process that led last keeps away', async () => {
  const barred = { instanceId: 'i', until: new Date(Date.now() + 9_000).toISOString() };
  const view = { leader: null, fencingVersion: 3, pending: false, availableInMs: 0, barred };
  const fetch = vi.spyOn(globalThis, 'fetch').mockImplementation(async () => Response.json(view));
  onTestFinished(() => void fetch.mockRestore());
  const { shell, out, err } = recordedShell({});
  expect(await runCli(['leader', 'show', '--group', 'orders'], shell), err()).toBe(0);
  expect(out()).toMatch(/barred +the process that led last; it may lead again in [89]\.\d s/);
});
