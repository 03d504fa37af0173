import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { expect, onTestFinished, test, vi } from 'vitest';
import { groupRuns, signalGroup } from '../../../../cli/lead/process-group.mjs';

test('a group that runs as another user is not taken for gone', () => {
  const kill = vi.spyOn(process, 'kill').mockImplementation(() => {
    throw Object.assign(new Error('kill EPERM'), { code: 'EPERM' });
  });
  onTestFinished(() => kill.mockRestore());
  expect(signalGroup(4_190_000, 'SIGTERM')).toBe('forbidden');
  expect(groupRuns(4_190_000)).toBe(true);
});

test('a group of which only a process remains that nobody has waited for does not run any more', async () => {
  const parent = spawn('sh', ['-c', 'setsid sh -c \'echo "$$"\' & exec sleep 600'], {
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  onTestFinished(() => void parent.kill('SIGKILL'));
  const [line] = await once(parent.stdout, 'data');
  const pid = Number(String(line));
  await vi.waitFor(() => expect(readFileSync(`/proc/${pid}/stat`, 'utf8')).toContain(') Z '), { timeout: 20_000 });
  expect(signalGroup(pid, 0)).toBe('sent');
  expect(groupRuns(pid)).toBe(false);
});

test('a group runs until it has ended', async () => {
  const child = spawn('sleep', ['600'], { detached: true, stdio: 'ignore' });
  const pid = child.pid ?? 0;
  expect(groupRuns(pid)).toBe(true);
  expect(signalGroup(pid, 'SIGKILL')).toBe('sent');
  await once(child, 'exit');
  expect(groupRuns(pid)).toBe(false);
  expect(signalGroup(pid, 'SIGKILL')).toBe('gone');
});
