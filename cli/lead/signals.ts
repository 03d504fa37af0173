/** The signals of terminals, shells and supervisors; SIGKILL and SIGSTOP cannot be caught. */
const forwarded: readonly NodeJS.Signals[] = [
  'SIGTERM',
  'SIGINT',
  'SIGHUP',
  'SIGQUIT',
  'SIGUSR1',
  'SIGUSR2',
  'SIGWINCH',
];
const ending: readonly NodeJS.Signals[] = ['SIGTERM', 'SIGINT', 'SIGHUP', 'SIGQUIT'];

type Listener = (signal: NodeJS.Signals) => void;

interface Circumstances {
  /** npm passes signals on to a shell between itself and us, which dies of them: its end then counts as SIGTERM. */
  readonly underNpm?: boolean;
  /** Signals that the caller ignored, for instance SIGHUP under nohup. */
  readonly ignored?: readonly string[];
}

/** The signals that this process receives, for the part of it that acts on them at the time. */
export class Signals {
  /** The first one that asks for an end. */
  asked: NodeJS.Signals | undefined;
  #listener: Listener = () => {};
  readonly #ignored: readonly string[];
  readonly #watchingParent: NodeJS.Timeout;
  readonly #catch = (signal: NodeJS.Signals) => {
    if (this.#ignored.includes(signal)) return;
    if (asksForEnd(signal)) this.asked ??= signal;
    this.#listener(signal);
  };

  constructor({ underNpm = false, ignored = [] }: Circumstances = {}) {
    // A shell that starts a job in the background ignores both for it; one stands for both.
    this.#ignored = ignored.includes('SIGINT') ? [...ignored, 'SIGQUIT'] : ignored;
    for (const name of forwarded) process.on(name, this.#catch);
    const parent = process.ppid;
    this.#watchingParent = setInterval(() => {
      if (!underNpm || process.ppid === parent) return;
      clearInterval(this.#watchingParent);
      this.#catch('SIGTERM');
    }, 500).unref();
  }

  /** The returned function ends the listening. */
  listen(listener: Listener): () => void {
    this.#listener = listener;
    return () => {
      this.#listener = () => {};
    };
  }

  end(): void {
    clearInterval(this.#watchingParent);
    for (const name of forwarded) process.off(name, this.#catch);
  }
}

export function asksForEnd(signal: NodeJS.Signals): boolean {
  return ending.includes(signal);
}
