/**
 * Decides which question the page asks next. All of them share one budget: one a second, from the first on; none while
 * the page is hidden or a question is open.
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

export const tickMs = 1_000;
/** Timers are not exact. */
const toleranceMs = tickMs / 10;
/** As many first questions follow each other; of those that are seldom asked one. */
const mostFirsts = 2;
const seldomMs = 60_000;
/** So many times overdue, a question goes before all others. */
const urgent = 100;

export class Pacer {
  readonly #options: PacerOptions;
  readonly #askedAt = new Map<string, number>();
  /** Changed by an action of the person who looks. */
  readonly #changed = new Set<string>();
  #firsts = 0;
  #failures = 0;
  #resumesAt = 0;
  #isOpen = false;
  #askedLast = Number.NEGATIVE_INFINITY;

  constructor(options: PacerOptions) {
    this.#options = options;
  }

  /** Asks what is most overdue. Called once a second, and when the page opens. */
  tick(): void {
    const { isVisible, now } = this.#options;
    if (!isVisible() || this.#isOpen || now() < this.#resumesAt) return;
    // A page that is shown again ticks out of turn.
    if (now() - this.#askedLast < tickMs - toleranceMs) return;
    const next = this.#next();
    if (next) void this.#ask(next);
  }

  /** After an action: the next ticks ask these before all others, also before an urgent one. */
  refresh(names: readonly string[]): void {
    for (const name of names) this.#changed.add(name);
  }

  /** Questions never asked come first, in the order of the page, alternating with those due again. */
  #next(): Source | undefined {
    const wanted = this.#options.sources().filter((source) => source.everyMs() < Number.POSITIVE_INFINITY);
    const changed = wanted.find(({ name }) => this.#changed.has(name));
    if (changed) return changed;
    const first = wanted.find(({ name }) => !this.#askedAt.has(name));
    const due = this.#mostOverdue(wanted);
    const isDuesTurn = due !== undefined && (due.overdue >= urgent || this.#firsts >= mostFirsts);
    if (!first || isDuesTurn) {
      this.#firsts = 0;
      return due?.source;
    }
    this.#firsts += first.everyMs() < seldomMs ? 1 : mostFirsts;
    return first;
  }

  #mostOverdue(sources: readonly Source[]): { readonly source: Source; readonly overdue: number } | undefined {
    const at = this.#options.now();
    let most: { readonly source: Source; readonly overdue: number } | undefined;
    for (const source of sources) {
      const asked = this.#askedAt.get(source.name);
      if (asked === undefined) continue;
      const overdue = (at - asked + toleranceMs) / source.everyMs();
      if (overdue >= 1 && overdue > (most?.overdue ?? 0)) most = { source, overdue };
    }
    return most;
  }

  async #ask(source: Source): Promise<void> {
    const { now, onSettled, isOutage } = this.#options;
    this.#isOpen = true;
    this.#askedLast = now();
    this.#askedAt.set(source.name, this.#askedLast);
    this.#changed.delete(source.name);
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
      this.#isOpen = false;
    }
  }
}
