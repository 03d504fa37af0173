/** Servers of others that tests start as processes: until they serve, and until they have ended. */
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as pause } from 'node:timers/promises';

/** @throws Error once the process has failed or ended, or when the time is over: with what the last probe threw. */
export async function untilServing(
  { server, name, ms, hint = '' }: { server: ChildProcess; name: string; ms: number; hint?: string },
  probe: () => Promise<unknown>,
): Promise<void> {
  const failed = new Promise<never>((_, reject) => {
    server.once('error', (cause) => reject(new Error(`${name} cannot be started${hint}`, { cause })));
    server.once('exit', (code) => reject(new Error(`${name} ended with ${code}${hint}`)));
  });
  failed.catch(() => {});
  let cause: unknown;
  for (const until = Date.now() + ms; Date.now() < until; ) {
    const probed = probe().then(
      () => true,
      (error: unknown) => {
        cause = error;
        return false;
      },
    );
    if (await Promise.race([probed, failed])) return;
    await pause(50);
  }
  throw new Error(`${name} did not answer within ${ms / 1_000} s`, { cause });
}

const graceMs = 10_000;

/** Ends it by SIGTERM, or by force when that takes too long. */
export async function endServer(server: ChildProcess): Promise<void> {
  if (server.exitCode !== null || server.signalCode !== null) return;
  const ended = once(server, 'exit');
  server.kill('SIGTERM');
  const late = setTimeout(() => server.kill('SIGKILL'), graceMs);
  await ended;
  clearTimeout(late);
}
