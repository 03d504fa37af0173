/** What a terminal, a shell or a supervisor sends; SIGKILL and SIGSTOP cannot be caught. */
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

/** The signals that this process gets, for whoever stands for it at the time. */
export class Signals {
  /** The first one that asks for an end. */
  asked: NodeJS.Signals | undefined;
  #listener: Listener = () => {};
  readonly #catch = (signal: NodeJS.Signals) => {
    if (ending.includes(signal)) this.asked ??= signal;
    this.#listener(signal);
  };

  readonly #watchingParent: NodeJS.Timeout;

  /** `underNpm`: npm passes signals on to a shell between itself and us, which dies of them: its end is then our SIGTERM. */
  constructor(underNpm: boolean) {
    for (const name of forwarded) process.on(name, this.#catch);
    const parent = process.ppid;
    this.#watchingParent = setInterval(() => {
      if (!underNpm || process.ppid === parent) return;
      clearInterval(this.#watchingParent);
      this.#catch('SIGTERM');
    }, 500).unref();
  }

  /** The answer ends the listening. */
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
