import type { Readable } from 'node:stream';

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
