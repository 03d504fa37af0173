import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { constants } from 'node:os';
import { setTimeout as pause } from 'node:timers/promises';

/** How the command ended: its exit code, 128 + N after signal N, 127 or 126 when it could not be run, as shells do. */
export interface Ending {
  readonly code: number;
  readonly said: string;
}

/** The command as a process group of its own, so that everything it starts is stopped with it. */
export class Command {
  /** Resolves once nothing of it runs any more, or its last process got SIGKILL. */
  readonly ended: Promise<Ending>;
  readonly #child: ChildProcess;
  readonly #graceMs: number;
  #stopping: Promise<void> | undefined;

  constructor([file = '', ...argv]: readonly string[], env: NodeJS.ProcessEnv, graceMs: number) {
    this.#graceMs = graceMs;
    this.#child = spawn(file, argv, { detached: true, stdio: 'inherit', env });
    this.ended = this.#end(file);
  }

  /** Resolves with its process id when it runs; never when it cannot be started: then it has ended. */
  get started(): Promise<number> {
    const { pid } = this.#child;
    return pid === undefined ? new Promise(() => {}) : Promise.resolve(pid);
  }

  /** Sends a signal to the whole group; answers whether anything of it was there. */
  signal(name: NodeJS.Signals | 0): boolean {
    const { pid } = this.#child;
    if (pid === undefined) return false;
    try {
      process.kill(-pid, name);
      return true;
    } catch {
      return false;
    }
  }

  /** SIGTERM, and SIGKILL for what is left after the grace. */
  stop(): Promise<void> {
    this.#stopping ??= this.#stop();
    return this.#stopping;
  }

  async #stop(): Promise<void> {
    const endsAt = performance.now() + this.#graceMs;
    this.signal('SIGTERM');
    // A stopped process only sees the signal once it goes on.
    this.signal('SIGCONT');
    while (this.signal(0)) {
      if (performance.now() >= endsAt) return void this.signal('SIGKILL');
      await pause(50);
    }
  }

  async #end(file: string): Promise<Ending> {
    try {
      const [code, signal] = (await once(this.#child, 'exit')) as [number | null, NodeJS.Signals | null];
      // What it leaves behind would go on working without the lease.
      await this.stop();
      return signal
        ? { code: 128 + constants.signals[signal], said: `ended by ${signal}` }
        : { code: code ?? 1, said: `exited with ${code}` };
    } catch (error) {
      const missing = (error as NodeJS.ErrnoException).code === 'ENOENT';
      const why = missing ? 'there is no such command' : (error as Error).message;
      return { code: missing ? 127 : 126, said: `${file} cannot be run: ${why}` };
    }
  }
}
