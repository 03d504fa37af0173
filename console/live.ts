/** The page's knowledge of the API: each answer with its age, and the outcome of the last question. */
import { useEffect, useReducer, useState } from 'preact/hooks';
import { ApiError, now, type Problem } from './api.ts';
import type { Known, Live, Question } from './known.ts';
import { Pacer, tickMs } from './pacer.ts';

function problemIn(error: unknown): Problem {
  if (error instanceof ApiError) return error.problem;
  return { status: 0, code: 'internal', title: 'The page failed', detail: String(error) };
}

function isOutage(error: unknown): boolean {
  const { status } = problemIn(error);
  return status === 0 || status === 401 || status === 429 || status >= 500;
}

/** Of all pages, so that a page that is opened shows at once what another has just received. */
const kept = new Map<string, Known<unknown>>();
const mostKept = 4_000;
const seedMs = 60_000;

class Answers implements Live {
  lastAnswerAt: number | undefined;
  outage: Problem | undefined;
  readonly #scope: string;
  readonly #own = new Set<string>();
  readonly #pacer: Pacer;

  constructor(scope: string, questions: () => readonly Question[], onChange: () => void) {
    this.#scope = scope;
    const sources = () =>
      questions().map(({ name, everyMs, ask }) => ({
        name,
        everyMs: () => everyMs(this),
        ask: async () => {
          const value = await ask();
          this.#keep(name, { value, at: Date.now() });
        },
      }));
    this.#pacer = new Pacer({
      sources,
      isVisible: () => !document.hidden,
      now: () => performance.now(),
      isOutage,
      onSettled: ({ name }, error) => {
        this.outage = error !== undefined && isOutage(error) ? problemIn(error) : undefined;
        if (!this.outage) this.lastAnswerAt = Date.now();
        const before = this.get(name);
        // An outage is shown once, above all answers.
        const isOwn = error !== undefined && (!this.outage || before.value === undefined);
        if (isOwn) this.#keep(name, { ...before, problem: problemIn(error) });
        onChange();
      },
    });
  }

  get<Value>(name: string): Known<Value> {
    const known = kept.get(this.#scope + name);
    // An old answer of another page says nothing of now.
    const isOf = known && (this.#own.has(name) || Date.now() - (known.at ?? 0) < seedMs);
    return (isOf ? known : {}) as Known<Value>;
  }

  #keep(name: string, known: Known<unknown>): void {
    const key = this.#scope + name;
    this.#own.add(name);
    kept.delete(key);
    kept.set(key, known);
    if (kept.size > mostKept) kept.delete(kept.keys().next().value ?? '');
  }

  refresh(...names: string[]): void {
    this.#pacer.refresh(names);
  }

  tick(): void {
    this.#pacer.tick();
  }
}

/**
 * Follows the questions while the component is shown; `identity` says when they are other ones altogether, and stands
 * before their names where answers are kept.
 */
export function useLive(identity: string, questions: () => readonly Question[]): Live {
  const [, changed] = useReducer((version: number) => version + 1, 0);
  const [held] = useState<{ identity?: string; live?: Answers; questions: () => readonly Question[] }>({ questions });
  held.questions = questions;
  if (held.identity !== identity || !held.live) {
    held.identity = identity;
    held.live = new Answers(
      identity,
      () => held.questions(),
      () => changed(undefined),
    );
  }
  const { live } = held;
  useEffect(() => {
    live.tick();
    const timer = setInterval(() => live.tick(), tickMs);
    const onVisible = () => live.tick();
    document.addEventListener('visibilitychange', onVisible);
    return () => {
      clearInterval(timer);
      document.removeEventListener('visibilitychange', onVisible);
    };
  }, [live]);
  return live;
}

/** The API's time, anew each second, so that what it is compared with counts. */
export function useNow(everyMs = 1_000): number {
  const [at, set] = useState(now);
  useEffect(() => {
    const timer = setInterval(() => !document.hidden && set(now()), everyMs);
    return () => clearInterval(timer);
  }, [everyMs]);
  return at;
}
