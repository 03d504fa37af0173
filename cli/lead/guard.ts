import { type ChildProcess, spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { Term } from '../../client/leadership/term.ts';

/** The guard acts this much after the own deadline, so that a `tenure lead` that is well acts first; still before the lease is free. */
const afterDeadlineMs = 200;

/**
 * A small process of its own that stops the command when this one cannot: after SIGKILL at once, while it stands still when the lease runs
 * out. It reads what it has to know from a pipe.
 */
export class Guard {
  readonly #onFailure: (why: string) => void;
  #process: ChildProcess;
  #watched: { readonly pid: number; readonly graceMs: number; readonly term: Term } | undefined;
  #ended = false;

  constructor(onFailure: (why: string) => void) {
    this.#onFailure = onFailure;
    this.#process = this.#start();
  }

  /** From now on the process group is stopped when the term's window ends; each renewal moves it. */
  watch(pid: number, graceMs: number, term: Term): void {
    this.#watched = { pid, graceMs, term };
    this.#sayWatched();
  }

  renewed(): void {
    this.#sayWatched();
  }

  release(): void {
    if (this.#watched) this.#say('release');
    this.#watched = undefined;
  }

  end(): void {
    this.#ended = true;
    this.#process.stdin?.end();
    this.#process.unref();
  }

  #sayWatched(): void {
    if (!this.#watched) return;
    const { pid, graceMs, term } = this.#watched;
    const untilMs = Math.max(0, Math.round(term.remainingMs())) + afterDeadlineMs;
    this.#say(`watch ${pid} ${graceMs}\nuntil ${untilMs}`);
  }

  #say(lines: string): void {
    this.#process.stdin?.write(`${lines}\n`);
  }

  #start(): ChildProcess {
    const { NODE_OPTIONS: _ours, ...env } = process.env;
    const guard = spawn(process.execPath, [fileURLToPath(new URL('./guard.mjs', import.meta.url))], {
      detached: true,
      stdio: ['pipe', 'ignore', 'ignore'],
      env,
    });
    // It says so itself when it cannot be started or ends.
    guard.stdin?.on('error', () => {});
    const failed = (why: string) => {
      if (this.#ended) return;
      this.#onFailure(why);
      setTimeout(() => this.#replace(), 1_000).unref();
    };
    guard.once('error', (error) => failed(error.message));
    guard.once('exit', (code, signal) => failed(`it ended with ${code ?? signal}`));
    return guard;
  }

  #replace(): void {
    if (this.#ended) return;
    this.#process = this.#start();
    this.#sayWatched();
  }
}
