/** What the page knows of the API: each answer with its age, and how the last question went. */
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

class Answers implements Live {
  lastAnswerAt: number | undefined;
  outage: Problem | undefined;
  readonly #known = new Map<string, Known<unknown>>();
  readonly #pacer: Pacer;

  constructor(questions: () => readonly Question[], onChange: () => void) {
    const sources = () =>
      questions().map(({ name, everyMs, ask }) => ({
        name,
        everyMs: () => everyMs(this),
        ask: async () => {
          const value = await ask();
          this.#known.set(name, { value, at: Date.now() });
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
        const before = this.#known.get(name);
        // An outage is told once, above everything that is known.
        const isOwn = error !== undefined && (!this.outage || before?.value === undefined);
        if (isOwn) this.#known.set(name, { ...before, problem: problemIn(error) });
        onChange();
      },
    });
  }

  get<Value>(name: string): Known<Value> {
    return (this.#known.get(name) ?? {}) as Known<Value>;
  }

  refresh(...names: string[]): void {
    for (const name of names) this.#pacer.forget(name);
  }

  tick(): void {
    this.#pacer.tick();
  }
}

/** Follows the questions while the component is shown; `identity` says when they are other ones altogether. */
export function useLive(identity: string, questions: () => readonly Question[]): Live {
  const [, changed] = useReducer((version: number) => version + 1, 0);
  const [held] = useState<{ identity?: string; live?: Answers; questions: () => readonly Question[] }>({ questions });
  held.questions = questions;
  if (held.identity !== identity || !held.live) {
    held.identity = identity;
    held.live = new Answers(
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
