import type { Shell } from './shell.ts';

export interface Progress {
  say(text: string): void;
  done(text: string): void;
  failed(text: string): void;
}

/** Progress on standard error while a person looks at it; silent otherwise and with --json. */
export async function progress(shell: Shell, { json }: { json?: boolean }, text: string): Promise<Progress> {
  if (json || !shell.interactive) return { say() {}, done() {}, failed() {} };
  const { spinner } = await import('@clack/prompts');
  const spinning = spinner({ output: process.stderr });
  spinning.start(text);
  return {
    say: (more) => spinning.message(more),
    done: (more) => spinning.stop(more),
    failed: (more) => spinning.error(more),
  };
}
