import { cleanLine } from './clean.ts';
import { interruptible } from './interrupt.ts';
import type { Screen, Shell } from './shell.ts';

export interface Progress {
  /** Replaces the text of the line; `part`, from 0 to 1, draws a bar before it. */
  say(text: string, part?: number): void;
  /** Ends the line with the outcome; removes it where the result is shown as well, which says the same. */
  done(text: string): void;
  failed(text: string): void;
}

interface ProgressOptions {
  readonly json?: boolean | undefined;
  /** Where the command reads what a person types: a line that is redrawn would garble the echo. */
  readonly typedOn?: NodeJS.ReadableStream;
}

/**
 * Shows progress on standard error while a person watches; silent otherwise and with --json. It only writes: standard
 * input and its mode belong to the command. Ctrl-C ends the process with 130 after `onInterrupt` has said, in one
 * sentence, what continues without it.
 */
export function progress(
  shell: Shell,
  { json, typedOn }: ProgressOptions,
  text: string,
  onInterrupt: () => string,
): Progress {
  const typed = typedOn !== undefined && 'isTTY' in typedOn && typedOn.isTTY === true;
  const line = json || typed || !shell.screen ? undefined : new ProgressLine(shell.screen, text);
  const uninterruptible = interruptible(shell, json, () => {
    line?.clear();
    return onInterrupt();
  });
  return {
    say: (more, part) => line?.say(more, part),
    done(outcome) {
      uninterruptible();
      if (shell.screen?.showsResults) line?.clear();
      else line?.end(`✔ ${outcome}`);
    },
    failed(outcome) {
      uninterruptible();
      line?.end(`✖ ${outcome}`);
    },
  };
}

const frames = ['⠋', '⠙', '⠸', '⠴', '⠦', '⠇'];
const frameMs = 100;
const barCells = 20;
const clearLine = '\r\u001b[2K';

/** One line that is rewritten in place. */
class ProgressLine {
  readonly #screen: Screen;
  readonly #timer: NodeJS.Timeout;
  #text: string;
  #part: number | undefined;
  #frame = 0;

  constructor(screen: Screen, text: string) {
    this.#screen = screen;
    this.#text = text;
    this.#draw();
    this.#timer = setInterval(() => this.#draw(), frameMs).unref();
  }

  say(text: string, part?: number): void {
    this.#text = text;
    this.#part = part;
  }

  clear(): void {
    clearInterval(this.#timer);
    this.#screen.write(clearLine);
  }

  end(text: string): void {
    this.clear();
    this.#screen.write(`${cleanLine(text)}\n`);
  }

  #draw(): void {
    this.#frame = (this.#frame + 1) % frames.length;
    const text = cleanLine(`${frames[this.#frame]} ${bar(this.#part)}${this.#text}`);
    // A line that wraps cannot be cleared as one.
    this.#screen.write(clearLine + [...text].slice(0, this.#screen.columns - 1).join(''));
  }
}

function bar(part: number | undefined): string {
  if (part === undefined) return '';
  const filled = Math.round(Math.min(1, Math.max(0, part)) * barCells);
  return `${'━'.repeat(filled)}${'─'.repeat(barCells - filled)} `;
}
