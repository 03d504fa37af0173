import type { Shell } from './shell.ts';

export interface Progress {
  say(text: string): void;
  done(text: string): void;
  failed(text: string): void;
}

interface Bar extends Progress {
  /** Shows that so many of the bar's steps are done; it may go back. */
  reach(step: number, text: string): void;
}

const silent: Bar = { say() {}, reach() {}, done() {}, failed() {} };

/** Progress on standard error while a person looks at it; silent otherwise and with --json. */
export async function progress(shell: Shell, { json }: { json?: boolean }, text: string): Promise<Progress> {
  if (json || !shell.interactive) return silent;
  const { spinner } = await import('@clack/prompts');
  const spinning = spinner({ output: process.stderr });
  spinning.start(text);
  return {
    say: (more) => spinning.message(more),
    done: (more) => spinning.stop(more),
    failed: (more) => spinning.error(more),
  };
}

/** The same with a bar of `steps`. */
export async function progressBar(
  shell: Shell,
  { json }: { json?: boolean },
  text: string,
  steps: number,
): Promise<Bar> {
  if (json || !shell.interactive) return silent;
  const clack = await import('@clack/prompts');
  const bar = clack.progress({ output: process.stderr, max: steps, size: 5 * steps });
  let reached = 0;
  bar.start(text);
  return {
    say: (more) => bar.message(more),
    reach(step, more) {
      bar.advance(step - reached, more);
      reached = step;
    },
    done: (more) => bar.stop(more),
    failed: (more) => bar.error(more),
  };
}
