import { readdirSync, readFileSync } from 'node:fs';
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

/** Every page of the documentation, as a path from the top of the project. */
export function allPages(): string[] {
  const below = (folder: string) =>
    readdirSync(join(project, folder), { recursive: true, encoding: 'utf8' }).map((name) => join(folder, name));
  return [...readdirSync(project), ...below('docs'), ...below('examples')]
    .filter((path) => path.endsWith('.md'))
    .sort();
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

/** The page with other lines in some of its blocks. */
export function withLines(markdown: string, changed: ReadonlyMap<number, readonly string[]>): string {
  const lines = markdown.split('\n');
  for (const block of blocksOf(markdown).reverse()) {
    lines.splice(block.at, block.lines.length, ...(changed.get(block.at) ?? block.lines));
  }
  return lines.join('\n');
}
