import type { Block } from './markdown.ts';

/** A command with what it prints; without a command, what the one that still runs prints next. */
export interface Step {
  readonly command: string | undefined;
  readonly output: readonly string[];
}

/** How a ```console block is to be run. */
export interface ConsoleBlock {
  readonly at: number;
  /** `terminal=NAME`; what one terminal runs, the others do not wait for. */
  readonly terminal: string;
  /** `running`: its last command keeps running after its output. */
  readonly running: boolean;
  /** `fails`: its last command ends with another code than 0. */
  readonly fails: boolean;
  readonly steps: readonly Step[];
}

/** In a block's output, any number of lines. */
export const anyLines = '…';
/** In a block's output, Ctrl-C. */
export const interrupt = '^C';

export function consoleBlock({ language, words, lines, at }: Block): ConsoleBlock | undefined {
  if (language !== 'console') return undefined;
  const unknown = words.find((word) => !/^(running|fails|terminal=[\w-]+)$/.test(word));
  if (unknown) throw new Error(`Line ${at}: "${unknown}" means nothing for a console block`);
  const terminal = words.find((word) => word.startsWith('terminal='))?.slice('terminal='.length) ?? 'main';
  return { at, terminal, running: words.includes('running'), fails: words.includes('fails'), steps: stepsOf(lines) };
}

function stepsOf(lines: readonly string[]): Step[] {
  const steps: { command: string | undefined; output: string[] }[] = [];
  for (const line of lines) {
    const last = steps.at(-1);
    if (line.startsWith('$ ')) steps.push({ command: line.slice(2), output: [] });
    else if (line.startsWith('> ') && last?.command?.endsWith('\\')) last.command += `\n${line.slice(2)}`;
    else if (last) last.output.push(line);
    else steps.push({ command: undefined, output: [line] });
  }
  return steps.map(({ command, output }) => ({ command, output: withoutEndingBlanks(output) }));
}

/** A block's lines again. A blank line stands between an output and the next command. */
export function linesOf(steps: readonly Step[]): string[] {
  return steps.flatMap(({ command, output }, at) => {
    const typed = command === undefined ? [] : `$ ${command.replaceAll('\n', '\n> ')}`.split('\n');
    const blank = output.length > 0 && at < steps.length - 1 ? [''] : [];
    return [...typed, ...output, ...blank];
  });
}

export function withoutEndingBlanks(lines: readonly string[]): string[] {
  const end = lines.findLastIndex((line) => line.trim() !== '');
  return lines.slice(0, end + 1);
}
