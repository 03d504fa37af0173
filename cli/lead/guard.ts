import type { ChildProcess } from 'node:child_process';
import type { Term } from '../../client/leadership/term.ts';
import type { PreparedRequest } from '../../client/transport.ts';
import { startGuard, tellGuard } from './guard-process.ts';

/**
 * The guard acts this much after the leader's own deadline, so that a healthy `tenure lead` acts first; still before
 * the lease is free.
 */
const afterDeadlineMs = 200;
/** API Gateway accepts a signature for five minutes. */
const signedForMs = 120_000;
const replaceAfterMs = 1_000;

/** The guard's knowledge of the present term; each part is sent again to a guard that replaces one. */
interface Watched {
  readonly term: Term;
  /** Signs a request that gives the lease back. */
  readonly resignation: () => Promise<PreparedRequest>;
  command?: { readonly pid: number; readonly graceMs: number } | 'starting';
  signed?: PreparedRequest;
  signedAt: number;
}

/**
 * A small process of its own that ends the command when this one cannot: after SIGKILL at once, while it stands still
 * when the lease runs out. After SIGKILL it then gives the lease back, so that the next leader need not wait for it to
 * run out. guard.mjs reads all that it has to know from a pipe; what it must not do is resign while the command may
 * still run.
 */
export class Guard {
  readonly #onFailure: (why: string) => void;
  readonly #signing: NodeJS.Timeout;
  #process: ChildProcess;
  #watched: Watched | undefined;
  #ended = false;

  constructor(onFailure: (why: string) => void) {
    this.#onFailure = onFailure;
    this.#process = this.#start();
    this.#signing = setInterval(() => void this.#sign(), signedForMs / 4).unref();
  }

  /** From now on the term is given back if this process is killed. */
  async granted(term: Term, resignation: () => Promise<PreparedRequest>): Promise<void> {
    this.#watched = { term, resignation, signedAt: 0 };
    this.#tell(this.#deadline());
    await this.#sign();
  }

  /** Until watch() nobody knows which process to end: the lease is not given back. */
  starting(): void {
    if (this.#watched) this.#watched.command = 'starting';
    this.#tell({ starting: true });
  }

  /** The process group is ended when this process is killed, or when the term's window ends; each renewal moves it. */
  watch(pid: number, graceMs: number): void {
    if (this.#watched) this.#watched.command = { pid, graceMs };
    this.#tell({ watch: { pid, graceMs } });
  }

  renewed(): void {
    this.#tell(this.#deadline());
  }

  /** The command has ended. */
  release(): void {
    if (this.#watched) delete this.#watched.command;
    this.#tell({ release: true });
  }

  /** There is nothing to give back any more. */
  over(): void {
    this.#watched = undefined;
    this.#tell({ over: true });
  }

  end(): void {
    this.#ended = true;
    clearInterval(this.#signing);
    this.#process.stdin?.end();
    this.#process.unref();
  }

  /**
   * Credentials expire, and so does a signature. Without a fresh one the lease is left to run out: lead itself reports
   * what it cannot reach.
   */
  async #sign(): Promise<void> {
    const watched = this.#watched;
    if (!watched || Date.now() - watched.signedAt < signedForMs) return;
    watched.signedAt = Date.now();
    try {
      watched.signed = await watched.resignation();
    } catch {
      watched.signedAt = 0;
      return;
    }
    if (watched === this.#watched) this.#tell({ resignation: watched.signed });
  }

  #deadline() {
    if (!this.#watched) return {};
    return { untilMs: Math.max(0, Math.round(this.#watched.term.remainingMs())) + afterDeadlineMs };
  }

  #tell(order: object): void {
    tellGuard(this.#process, order);
  }

  #start(): ChildProcess {
    return startGuard((why) => {
      if (this.#ended) return;
      this.#onFailure(why);
      setTimeout(() => this.#replace(), replaceAfterMs).unref();
    });
  }

  #replace(): void {
    if (this.#ended) return;
    this.#process = this.#start();
    const { command, signed } = this.#watched ?? {};
    if (!this.#watched) return;
    this.#tell(this.#deadline());
    if (signed) this.#tell({ resignation: signed });
    if (command === 'starting') this.#tell({ starting: true });
    else if (command) this.#tell({ watch: command });
  }
}
