import { mkdirSync, mkdtempSync, readdirSync, realpathSync, rmSync, symlinkSync } from 'node:fs';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort } from '../free-port.ts';
import { project } from '../stack.ts';
import {
  anyLines,
  type ConsoleBlock,
  consoleBlock,
  interrupt,
  linesOf,
  type Step,
  withoutEndingBlanks,
} from './console.ts';
import { blocksOf } from './markdown.ts';
import { type Learned, match, translated } from './shapes.ts';
import { Terminal } from './terminal.ts';

/** The result of a page: the lines of its console blocks as this run would have them, and where it says otherwise. */
export interface Reading {
  readonly lines: ReadonlyMap<number, readonly string[]>;
  readonly differences: readonly string[];
  /** Whether a command ended as the page does not say: then nothing of it should be written down. */
  readonly failed: boolean;
}

export interface ReaderOptions {
  /** The API that is there already; left out, a page starts one with `npm start`. */
  readonly url?: string;
  /** Where the commands are typed; a clone of the reader's own unless given. */
  readonly folder?: string;
  /** How long a running command may take to say what the page says. */
  readonly patienceMs?: number;
}

interface Followed {
  readonly seen: Step;
  readonly why: string | undefined;
  readonly failed: boolean;
}

interface Said {
  readonly said: readonly string[];
  readonly why?: string;
}

/** Extra output of a client on a machine that is too busy to respond in time. */
const transient =
  /^(?:\S+Z )?tenure: .*(cannot be reached|was answered with 503|is not being renewed|is renewed again)/;

const home = '/home/you/tenure';
const host = 'vm';
const address = '127.0.0.1:8787';

/** Somebody who reads pages one after the other and types every command. */
export class Reader {
  readonly #folder: string;
  readonly #removes: boolean;
  readonly #patienceMs: number;
  readonly #terminals = new Map<string, Terminal>();
  readonly #env: NodeJS.ProcessEnv;
  readonly #address: string;
  #learned: Learned = new Map();

  private constructor(address: string, folder: string | undefined, patienceMs: number) {
    this.#removes = folder === undefined;
    this.#folder = folder ?? clone();
    this.#address = address;
    this.#patienceMs = patienceMs;
    const { TENURE_GROUP, ...env } = process.env;
    const port = new URL(`http://${address}`).port;
    this.#env = {
      ...env,
      TENURE_URL: `http://${address}`,
      PORT: port,
      FORCE_COLOR: '0',
      npm_config_update_notifier: 'false',
    };
  }

  static async begin({ url, folder, patienceMs = 170_000 }: ReaderOptions = {}): Promise<Reader> {
    return new Reader(url ? new URL(url).host : `127.0.0.1:${await freePort()}`, folder, patienceMs);
  }

  async close(): Promise<void> {
    await Promise.all([...this.#terminals.values()].reverse().map((terminal) => terminal.close()));
    if (this.#removes) rmSync(this.#folder, { recursive: true, force: true });
  }

  /** Runs all console blocks of a page; the terminals and what was learned continue with the next page. */
  async read(markdown: string): Promise<Reading> {
    const lines = new Map<number, readonly string[]>();
    const differences: string[] = [];
    let failed = false;
    for (const block of blocksOf(markdown).map(consoleBlock)) {
      if (!block) continue;
      const steps: Step[] = [];
      for (const step of block.steps) {
        const { seen, why, ...followed } = await this.#follow(block, step, step === block.steps.at(-1));
        failed ||= followed.failed;
        steps.push(seen);
        if (why) differences.push(`line ${block.at}, ${step.command ?? 'what runs'}: ${why}`);
      }
      lines.set(block.at, linesOf(steps));
    }
    return { lines, differences, failed };
  }

  async #follow(block: ConsoleBlock, step: Step, isLast: boolean): Promise<Followed> {
    const terminal = this.#terminal(block.terminal);
    const command = step.command === undefined ? undefined : translated(step.command, this.#learned);
    if (command !== undefined) {
      await terminal.run(this.#here(command));
    }
    const interruptAt = step.output.indexOf(interrupt);
    if (interruptAt >= 0) {
      const before = await this.#expect(terminal, step.output.slice(0, interruptAt), false);
      if (step.output[interruptAt - 1] === anyLines) terminal.take(terminal.unread.length);
      terminal.interrupt();
      const after = await this.#expect(terminal, step.output.slice(interruptAt + 1), true);
      const output = [...before.said, interrupt, ...after.said];
      return { seen: { command, output }, why: before.why ?? after.why, failed: false };
    }
    const goesOn = isLast && block.running;
    const { said, why } = await this.#expect(terminal, step.output, !goesOn);
    const failed = !goesOn && (terminal.ending !== 0) !== (isLast && block.fails);
    const ended = failed ? `${why ?? ''}\n${command} ended with ${terminal.ending}` : why;
    return { seen: { command, output: said }, why: ended, failed };
  }

  /**
   * Waits for an output, and with `whole` for the end of the command. Returns what the page should say, and why it does
   * not.
   */
  async #expect(terminal: Terminal, page: readonly string[], whole: boolean): Promise<Said> {
    const until = Date.now() + this.#patienceMs;
    const late = whole && setTimeout(() => terminal.interrupt(), this.#patienceMs);
    if (whole) await terminal.end();
    if (late) clearTimeout(late);
    for (;;) {
      const unread = terminal.unread.map((line) => this.#asWritten(line));
      const run = (whole ? withoutEndingBlanks(unread) : unread).filter((line) => !transient.test(line));
      const found = match(page, run, this.#learned, whole);
      if (found) {
        this.#learned = found.learned;
        terminal.take(whole ? unread.length : linesUpTo(unread, found.taken));
        return { said: found.said };
      }
      if (!terminal.isRunning || Date.now() > until) {
        terminal.take(unread.length);
        return { said: run, why: `the page says\n${indented(page)}\nand the run\n${indented(run)}` };
      }
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }

  #terminal(name: string): Terminal {
    const known = this.#terminals.get(name) ?? new Terminal(this.#folder, this.#env);
    this.#terminals.set(name, known);
    return known;
  }

  #here(command: string): string {
    return command.replaceAll(home, this.#folder).replaceAll(address, this.#address);
  }

  #asWritten(line: string): string {
    return line
      .replaceAll(this.#folder, home)
      .replaceAll(this.#address, address)
      .replaceAll(hostname(), host)
      .trimEnd();
  }
}

/** A folder with everything of the project in it, and a state of its own. */
function clone(): string {
  const folder = join(realpathSync(mkdtempSync(join(tmpdir(), 'tenure-docs-'))), 'tenure');
  mkdirSync(folder);
  const left = ['.git', '.tenure', '.guide', 'cdk.out', 'coverage'];
  for (const name of readdirSync(project)) {
    if (!left.includes(name)) symlinkSync(join(project, name), join(folder, name));
  }
  return folder;
}

/** The lines to take so that so many of them are no transient ones. */
function linesUpTo(lines: readonly string[], count: number): number {
  let left = count;
  const last = lines.findIndex((line) => !transient.test(line) && --left === 0);
  return count === 0 ? 0 : last + 1;
}

const indented = (lines: readonly string[]) => lines.map((line) => `  | ${line}`).join('\n');
