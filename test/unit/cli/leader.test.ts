import { expect, onTestFinished, test, vi } from 'vitest';
import { runCli } from '../../../cli/main.ts';
import { recordedShell } from '../../support/shell.ts';

test.each([
  [[], /^tenure: GET .* was answered with 403/],
  [['--json'], /^\{"error":\{"code":"forbidden","message":"GET [^\n]*"\}\}$/],
])('leader watch %j says what it cannot see as every error is said, and goes on', async (options, said) => {
  const views = [{ leader: null, fencingVersion: 1, pending: false }, undefined];
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
