import { unlessAborted } from './transport.ts';

/** Runs what it is given one after the other. */
export class SerialQueue {
  #last: Promise<void> = Promise.resolve();

  /**
   * Runs it once everything before it has settled. The signal's reason ends the wait: then it is never run, and what
   * comes behind it still waits for those before.
   */
  run<Value>(signal: AbortSignal, act: () => Promise<Value>): Promise<Value> {
    const earlier = this.#last;
    const done = unlessAborted(signal, earlier).then(act);
    this.#last = done.then(
      () => {},
      () => earlier,
    );
    return done;
  }
}
