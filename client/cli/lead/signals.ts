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

  constructor() {
    for (const name of forwarded) process.on(name, this.#catch);
  }

  /** The answer ends the listening. */
  listen(listener: Listener): () => void {
    this.#listener = listener;
    return () => {
      this.#listener = () => {};
    };
  }

  end(): void {
    for (const name of forwarded) process.off(name, this.#catch);
  }
}
