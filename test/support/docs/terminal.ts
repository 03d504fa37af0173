import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as pause } from 'node:timers/promises';
import { family } from '../processes.ts';

/** One terminal of a reader: a command at a time, each in a process group of its own as a shell would have it. */
export class Terminal {
  readonly #cwd: string;
  readonly #env: NodeJS.ProcessEnv;
  #child: ChildProcess | undefined;
  #ended: Promise<unknown> = Promise.resolve();
  #output = '';
  #read = 0;

  constructor(cwd: string, env: NodeJS.ProcessEnv) {
    this.#cwd = cwd;
    this.#env = env;
  }

  /** Unread output of the command, in whole lines. */
  get unread(): string[] {
    const lines = this.#output.split('\n');
    const rest = lines.pop();
    if (rest && !this.isRunning) lines.push(rest);
    return lines.slice(this.#read);
  }

  take(lines: number): void {
    this.#read += lines;
  }

  get isRunning(): boolean {
    return this.#child !== undefined && this.#child.exitCode === null && this.#child.signalCode === null;
  }

  /** The exit code, or the signal that ended the last command. */
  get ending(): number | string | undefined {
    return this.#child?.exitCode ?? this.#child?.signalCode ?? undefined;
  }

  async run(command: string): Promise<void> {
    // A process killed in another terminal takes a moment to disappear.
    for (let waits = 0; this.isRunning && waits < 200; waits += 1) await pause(50);
    if (this.isRunning) throw new Error(`"${command}" is typed while the command before it runs: end that with ^C`);
    this.#output = '';
    this.#read = 0;
    const child = spawn('bash', ['-c', `exec 2>&1\n${command}`], {
      cwd: this.#cwd,
      env: this.#env,
      detached: true,
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      this.#output += text;
    });
    this.#child = child;
    this.#ended = once(child, 'close');
  }

  interrupt(): void {
    if (this.#child?.pid && this.isRunning) process.kill(-this.#child.pid, 'SIGINT');
  }

  /** Waits until the command has ended and all of its output has arrived. */
  async end(): Promise<void> {
    await this.#ended;
  }

  /** Nothing that it started outlives it. */
  async close(): Promise<void> {
    if (!this.isRunning) return;
    const started = family(this.#child?.pid);
    this.interrupt();
    const kill = setTimeout(() => {
      for (const pid of started) {
        try {
          process.kill(pid, 'SIGKILL');
        } catch {
          // It has ended by itself.
        }
      }
    }, 10_000);
    await this.end();
    clearTimeout(kill);
  }
}
