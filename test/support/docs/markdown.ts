import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { project } from '../stack.ts';

/** A fenced block of a page. */
export interface Block {
  /** The first word after the fence. */
  readonly language: string;
  /** The words after it: `running`, `terminal=two`. */
  readonly words: readonly string[];
  readonly lines: readonly string[];
  /** The line of the opening fence, from 1. */
  readonly at: number;
}

export function readPage(path: string): string {
  return readFileSync(join(project, path), 'utf8');
}

export function blocksOf(markdown: string): Block[] {
  const blocks: Block[] = [];
  let open: { at: number; info: string; lines: string[] } | undefined;
  for (const [index, line] of markdown.split('\n').entries()) {
    const fence = /^```(.*)$/.exec(line);
    if (!fence) open?.lines.push(line);
    else if (!open) open = { at: index + 1, info: fence[1] ?? '', lines: [] };
    else {
      const [language = '', ...words] = open.info.split(' ');
      blocks.push({ language, words, lines: open.lines, at: open.at });
      open = undefined;
    }
  }
  if (open) throw new Error(`The block that begins in line ${open.at} has no end`);
  return blocks;
}
