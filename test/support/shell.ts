import { Readable } from 'node:stream';
import type { Shell } from '../../cli/shell.ts';

export interface RecordedShell {
  readonly shell: Shell;
  /** Standard output. */
  out(): string;
  /** Standard error. */
  err(): string;
  /** Both, line by line in their order. */
  both(): string;
}

/** A shell whose outputs go into files: what is printed is recorded, and nobody watches. */
export function recordedShell(
  env: Readonly<Record<string, string | undefined>> = {},
  { input = '', onErr = () => {} }: { input?: string; onErr?: (line: string) => void } = {},
): RecordedShell {
  const [out, err, both]: [string[], string[], string[]] = [[], [], []];
  const note = (stream: string[], text: string) => {
    stream.push(text);
    both.push(text);
  };
  const shell: Shell = {
    env,
    input: Readable.from(input === '' ? [] : [Buffer.from(input)]),
    out: (text) => note(out, `${text}\n`),
    err: (text) => {
      note(err, `${text}\n`);
      onErr(text);
    },
    write: (bytes) => note(out, Buffer.from(bytes).toString()),
    screen: undefined,
  };
  return { shell, out: () => out.join(''), err: () => err.join(''), both: () => both.join('').trimEnd() };
}
