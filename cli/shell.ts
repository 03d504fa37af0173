import type { Readable } from 'node:stream';
import { ExitError, exitCodes, UsageError } from './exit.ts';

/** The parts of the process that commands touch, so that a test can supply its own. */
export interface Shell {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Standard input, for the commands that read it. */
  readonly input: Readable;
  /** Prints a line of the result on standard output. */
  out(text: string): void;
  /** Prints a line of everything else on standard error. */
  err(text: string): void;
  /** Writes bytes to standard output exactly as they are. */
  write(bytes: Uint8Array): void;
  /** Standard error while a person watches it; undefined when it is a file or a pipe. */
  readonly screen: Screen | undefined;
}

/** A terminal that shows progress. */
export interface Screen {
  readonly columns: number;
  /** Whether standard output is shown on it, too. */
  readonly showsResults: boolean;
  write(text: string): void;
}

class TerminalScreen implements Screen {
  readonly showsResults = process.stdout.isTTY;

  get columns(): number {
    return process.stderr.columns;
  }

  write(text: string): void {
    process.stderr.write(text);
  }
}

/** `closed` are the numbers of the standard streams that this process was started without. */
export const processShell = (closed: readonly string[]): Shell => ({
  env: process.env,
  // Opening it would take what is typed, so only a command that reads it does.
  get input() {
    if (closed.includes('0')) throw new UsageError('Standard input is closed: name a file, or redirect one.');
    return process.stdin;
  },
  out: (text) => {
    if (closed.includes('1'))
      throw new ExitError(exitCodes.unprinted, 'cannot write to standard output (it is closed)');
    process.stdout.write(`${text}\n`);
  },
  err: (text) => void process.stderr.write(`${text}\n`),
  write: (bytes) => void process.stdout.write(bytes),
  screen: process.stderr.isTTY ? new TerminalScreen() : undefined,
});
