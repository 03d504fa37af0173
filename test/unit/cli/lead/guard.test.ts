import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { expect, onTestFinished, test } from 'vitest';
import { Guard } from '../../../../cli/lead/guard.ts';
import { readClocks, Term } from '../../../../client/leadership/term.ts';
import { ManualTime } from '../../../support/manual-time.ts';
import { family } from '../../../support/processes.ts';

/** A process group that runs until it is stopped. */
function command(): ChildProcess & { pid: number } {
  const child = spawn('sleep', ['600'], { detached: true, stdio: 'ignore' });
  onTestFinished(() => void child.kill('SIGKILL'));
  return child as ChildProcess & { pid: number };
}

test('a guard that replaces another one acts when the lease ends, not a whole lease later', async () => {
  const before = family(process.pid);
  let failures = 0;
  const guard = new Guard(() => {
    failures += 1;
  });
  onTestFinished(() => guard.end());
  const [first = 0] = family(process.pid).filter((pid) => !before.includes(pid));
  const running = command();
  const time = new ManualTime();
  const grant = { fencingVersion: 1, sessionId: 'one', leaseMs: 600_000, askedAt: readClocks(time) };
  guard.watch(running.pid, 1_000, new Term('orders', grant, time, 250, () => {}));
  await time.advance(599_000);
  process.kill(first, 'SIGKILL');
  expect(await once(running, 'exit')).toEqual([null, 'SIGTERM']);
  expect(failures).toBe(1);
});
