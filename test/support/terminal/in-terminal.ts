import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { stripVTControlCharacters } from 'node:util';

/** Where each standard stream of a program leads. */
export interface Streams {
  readonly stdin: 'terminal' | 'pipe';
  readonly stdout: 'terminal' | 'pipe';
  readonly stderr: 'terminal' | 'pipe';
}

/** All eight combinations. */
export const everyStreams: readonly Streams[] = (['terminal', 'pipe'] as const).flatMap((stdin) =>
  (['terminal', 'pipe'] as const).flatMap((stdout) =>
    (['terminal', 'pipe'] as const).map((stderr) => ({ stdin, stdout, stderr })),
  ),
);

/**
 * A pseudo-terminal takes Python 3, which Node has no means to replace; without it these tests do not run and `npm
 * test` says so.
 */
export const terminalsAvailable = spawnSync('python3', ['-c', 'import os; os.openpty()']).status === 0;

interface Mode {
  readonly canonical: boolean;
  readonly echo: boolean;
  readonly signals: boolean;
}

export interface InTerminal {
  /** Types on the keyboard of the terminal; `\x03` is Ctrl-C, `\x04` Ctrl-D. */
  type(text: string): void;
  /** Writes to the pipe of standard input. */
  feed(bytes: Uint8Array | string): void;
  /** Closes the pipe of standard input. */
  endInput(): void;
  /** The terminal's output so far, escape sequences removed. */
  screen(): string;
  /** The same with its escape sequences. */
  raw(): string;
  out(): Buffer;
  err(): string;
  /** Waits until any of the outputs has this. @throws Error with all of them when the program ends before. */
  says(text: string | RegExp): Promise<void>;
  /** The exit code, or minus the signal that ended the program; and every mode in which the terminal was. */
  ended(): Promise<{ readonly code: number; readonly modes: readonly Mode[] }>;
  kill(): void;
}

interface Options {
  readonly streams: Streams;
  readonly env?: NodeJS.ProcessEnv;
  readonly cwd?: string;
  readonly columns?: number;
}

interface Message {
  readonly terminal?: string;
  readonly out?: string;
  readonly err?: string;
  readonly exit?: number;
  readonly modes?: readonly (readonly [boolean, boolean, boolean])[];
}

/** Runs a program as in a terminal window. */
export function inTerminal(command: readonly string[], { streams, env, cwd, columns = 120 }: Options): InTerminal {
  const given = JSON.stringify({ ...streams, columns, command });
  const child = spawn('python3', [join(import.meta.dirname, 'pty.py'), given], {
    cwd,
    env: env ?? process.env,
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  child.stdin.on('error', () => {});
  const received = { terminal: [] as Buffer[], out: [] as Buffer[], err: [] as Buffer[] };
  let ending: Message | undefined;
  createInterface({ input: child.stdout }).on('line', (line) => {
    const message = JSON.parse(line) as Message;
    for (const name of ['terminal', 'out', 'err'] as const) {
      const text = message[name];
      if (text !== undefined) received[name].push(Buffer.from(text, 'base64'));
    }
    if (message.exit !== undefined) ending = message;
  });
  const closed = once(child, 'close');
  const all = (name: keyof typeof received) => Buffer.concat(received[name]);
  const shown = () => stripVTControlCharacters(all('terminal').toString());
  const order = (message: object) => void child.stdin.write(`${JSON.stringify(message)}\n`);
  const encoded = (bytes: Uint8Array | string) => Buffer.from(bytes as string).toString('base64');
  const everything = () => `${shown()}\n${all('out')}\n${all('err')}`;
  return {
    type: (text) => order({ type: encoded(text) }),
    feed: (bytes) => order({ feed: encoded(bytes) }),
    endInput: () => order({ end: true }),
    screen: shown,
    raw: () => all('terminal').toString(),
    out: () => all('out'),
    err: () => all('err').toString(),
    async says(text) {
      while (!(typeof text === 'string' ? everything().includes(text) : text.test(everything()))) {
        if (child.exitCode !== null) throw new Error(`The program ended before it said "${text}":\n${everything()}`);
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
    },
    async ended() {
      await closed;
      if (ending?.exit === undefined) throw new Error(`The pseudo-terminal failed:\n${everything()}`);
      const modes = (ending.modes ?? []).map(([canonical, echo, signals]) => ({ canonical, echo, signals }));
      return { code: ending.exit, modes };
    },
    kill: () => void child.stdin.end(),
  };
}
