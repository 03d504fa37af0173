import type { Readable } from 'node:stream';

/** What the commands touch of the process around them, so that a test can hand in its own. */
export interface Shell {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Standard input, for the commands that read it. */
  readonly input: Readable;
  /** Results, on standard output; a newline is added. */
  out(text: string): void;
  /** Everything else, on standard error. */
  err(text: string): void;
  /** Whether a person looks at standard error. */
  readonly interactive: boolean;
}

export const processShell: Shell = {
  env: process.env,
  // Looked up where it is read: who opens it takes what is typed.
  get input() {
    return process.stdin;
  },
  out: (text) => void process.stdout.write(`${text}\n`),
  err: (text) => void process.stderr.write(`${text}\n`),
  interactive: process.stderr.isTTY === true,
};
