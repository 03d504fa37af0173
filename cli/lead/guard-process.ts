import { type ChildProcess, spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';

/** Its orders for when this process is gone reach guard.mjs through the pipe, line by line. */
export const tellGuard = (guard: ChildProcess, order: object): void => {
  guard.stdin?.write(`${JSON.stringify(order)}\n`);
};

/** Starts guard.mjs; `onFailure` is called when it cannot be started, or ends. */
export function startGuard(onFailure: (why: string) => void): ChildProcess {
  const { NODE_OPTIONS: _ours, ...env } = process.env;
  const guard = spawn(process.execPath, [fileURLToPath(new URL('./guard.mjs', import.meta.url))], {
    detached: true,
    stdio: ['pipe', 'ignore', 'ignore'],
    env,
  });
  // The process itself reports that it cannot be started, or has ended.
  guard.stdin?.on('error', () => {});
  guard.once('error', (error) => onFailure(error.message));
  guard.once('exit', (code, signal) => onFailure(`it ended with ${code ?? signal}`));
  return guard;
}

/** Ends a command's process group if this process is killed before the command has ended. */
export interface CommandGuard {
  /** The order waits in the pipe, so that it counts also if this process is killed before the guard has started. */
  watch(pid: number, graceMs: number): void;
  /** The command has ended. */
  end(): void;
}

export function guardCommand(onFailure: (why: string) => void): CommandGuard {
  let over = false;
  const guard = startGuard((why) => {
    if (!over) onFailure(why);
  });
  guard.unref();
  return {
    watch: (pid, graceMs) => tellGuard(guard, { watch: { pid, graceMs } }),
    end() {
      over = true;
      tellGuard(guard, { release: true });
      guard.stdin?.end();
    },
  };
}
