import { ExitError, exitCodes, UsageError } from './exit.ts';
import type { Screen, Shell } from './shell.ts';

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
