import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { constants } from 'node:os';
import { setTimeout as pause } from 'node:timers/promises';
import { groupRuns, signalGroup } from './process-group.mjs';

/** How the command ended: its exit code, 128 + N after signal N, 126 when it could not be run, as shells do. */
export interface Ending {
  readonly code: number;
  readonly text: string;
}

const glanceMs = 50;
const afterKillMs = 250;

/** The command as a process group of its own, so that everything it starts is stopped with it. */
export class Command {
  /** Undefined when it could not be started. */
  readonly pid: number | undefined;
  /** Resolves once nothing of it runs any more. */
  readonly ended: Promise<Ending>;
  readonly #child: ChildProcess;
  readonly #graceMs: number;
  readonly #onForbidden: () => void;
  #stopping: Promise<void> | undefined;

  /**
   * `onForbidden` is called when the command runs as another user and cannot be killed; its end is waited for all the
   * same.
   */
  constructor(argv: readonly string[], env: NodeJS.ProcessEnv, graceMs: number, onForbidden: () => void) {
    const [file = '', ...rest] = argv;
    this.#graceMs = graceMs;
    this.#onForbidden = onForbidden;
    this.#child = spawn(file, rest, { detached: true, stdio: 'inherit', env });
    this.pid = this.#child.pid;
    this.ended = this.#end(file);
  }

  /** Sends a signal to the whole group. */
  signal(name: NodeJS.Signals): 'sent' | 'gone' | 'forbidden' {
    return this.pid === undefined ? 'gone' : signalGroup(this.pid, name);
  }

  /** SIGTERM, and SIGKILL for what is left after the grace. Resolves once nothing of it runs. */
  stop(): Promise<void> {
    this.#stopping ??= this.#stop();
    return this.#stopping;
  }

  async #stop(): Promise<void> {
    if (this.pid === undefined) return;
    const killAt = performance.now() + this.#graceMs;
    this.signal('SIGTERM');
    // A stopped process sees the signal only once it continues.
    this.signal('SIGCONT');
    let killed = false;
    while (groupRuns(this.pid)) {
      if (!killed && performance.now() >= killAt) {
        killed = true;
        if (this.signal('SIGKILL') === 'forbidden') this.#onForbidden();
      }
      await pause(killed ? afterKillMs : glanceMs);
    }
  }

  async #end(file: string): Promise<Ending> {
    try {
      const [code, signal] = (await once(this.#child, 'exit')) as [number | null, NodeJS.Signals | null];
      // Anything left in its group would continue to work without the lease.
      await this.stop();
      return signal
        ? { code: 128 + constants.signals[signal], text: `was ended by ${signal}` }
        : { code: code ?? 1, text: `exited with ${code}` };
    } catch (error) {
      return { code: 126, text: `${file} cannot be run: ${(error as Error).message}` };
    }
  }
}
