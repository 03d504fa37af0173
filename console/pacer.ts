/**
 * Decides which question the page asks next. All of them share one budget: four at once when a page opens, then one a
 * second, none while the page is hidden or a question is open.
 */

export interface Source {
  readonly name: string;
  /** Longest age that its answer should reach, ms; Infinity for one that need not be asked now. */
  everyMs(): number;
  ask(): Promise<void>;
}

export interface PacerOptions {
  readonly sources: () => readonly Source[];
  readonly isVisible: () => boolean;
  readonly now: () => number;
  /** Whether an error says that nothing is answered at all, so that all questions wait. */
  readonly isOutage: (error: unknown) => boolean;
  /** After each question: the error, or undefined. */
  readonly onSettled: (source: Source, error: unknown) => void;
}

const firstQuestions = 4;
export const tickMs = 1_000;

export class Pacer {
  readonly #options: PacerOptions;
  readonly #askedAt = new Map<string, number>();
  #first = firstQuestions;
  #failures = 0;
  #resumesAt = 0;
  #open = 0;

  constructor(options: PacerOptions) {
    this.#options = options;
  }

  /** Asks what is most overdue. Called once a second, and when the page opens. */
  tick(): void {
    const { isVisible, now } = this.#options;
    if (!isVisible() || now() < this.#resumesAt) return;
    const questions = this.#first > 0 ? this.#first : 1;
    for (let asked = 0; asked < questions; asked += 1) {
      if (this.#open >= questions) return;
      const next = this.#mostOverdue();
      if (!next) return;
      this.#first = Math.max(0, this.#first - 1);
      void this.#ask(next);
    }
  }

  /** The next tick asks this one again, as after an action. */
  forget(name: string): void {
    this.#askedAt.delete(name);
  }

  #mostOverdue(): Source | undefined {
    const { sources, now } = this.#options;
    const at = now();
    let [found, most]: [Source | undefined, number] = [undefined, 1];
    for (const source of sources()) {
      const asked = this.#askedAt.get(source.name);
      const overdue = asked === undefined ? Number.POSITIVE_INFINITY : (at - asked + tickMs / 10) / source.everyMs();
      if (source.everyMs() < Number.POSITIVE_INFINITY && overdue >= most && (!found || overdue > most)) {
        [found, most] = [source, overdue];
      }
    }
    return found;
  }

  async #ask(source: Source): Promise<void> {
    const { now, onSettled, isOutage } = this.#options;
    this.#open += 1;
    this.#askedAt.set(source.name, now());
    try {
      await source.ask();
      this.#failures = 0;
      onSettled(source, undefined);
    } catch (error) {
      // An API that is down is asked every other second: that it is back shows soon, and costs little.
      this.#failures = isOutage(error) ? this.#failures + 1 : 0;
      this.#resumesAt = now() + (this.#failures > 1 ? 2 * tickMs : 0);
      if (this.#failures > 0) this.#askedAt.delete(source.name);
      onSettled(source, error);
    } finally {
      this.#open -= 1;
    }
  }
}
