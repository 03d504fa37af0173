import { access, rm } from 'node:fs/promises';
import { setTimeout as pause } from 'node:timers/promises';

const glanceMs = 50;

/** Removes what an earlier run left, so that the file speaks of this one. */
export async function forgetReadyFile(path: string): Promise<void> {
  await rm(path, { force: true });
}

/** Resolves when the file appears, or when the signal fires. */
export async function readyFile(path: string, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    const there = await access(path).then(
      () => true,
      () => false,
    );
    if (there) return;
    await pause(glanceMs);
  }
}
