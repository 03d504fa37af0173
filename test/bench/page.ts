import type { Aim, Bench, Measured, Row } from './bench.ts';

const width = 120;

/** A paragraph in lines as wide as all prose of the project. */
function wrapped(paragraph: string): string {
  const lines: string[] = [];
  for (const word of paragraph.split(/\s+/)) {
    const line = lines.at(-1);
    if (line === undefined || line.length + 1 + word.length > width) lines.push(word);
    else lines[lines.length - 1] = `${line} ${word}`;
  }
  return lines.join('\n');
}

const opening = `# Benchmarks

${wrapped(`Cost and speed of Tenure, against what one would pick instead. \`npm run bench\` starts everything
that takes part, measures in turns and writes this page; \`npm run bench -- NAME…\` measures anew only the sections that
it names. Each ratio is ours divided by theirs, of medians; less is better. Compare the ratios: the numbers themselves
belong to the machine that each section names.`)}
`;

/** The cells of one row, ready for a page or a terminal. */
export function cells({ what, ours, theirs, ratio, aim }: Row): string[] {
  return [what, ours, theirs, ratio === undefined ? '' : ratio.toFixed(2), aim ? said(aim) : ''];
}

export const columns = ['', 'ours', 'theirs', 'ratio', 'aim'];

function said(aim: Aim): string {
  return aim.met ? aim.said : `${aim.said}, missed`;
}

/** A bench's section of the page. */
export function section(
  { name, sentence }: Pick<Bench, 'name' | 'sentence'>,
  { rows, notes = [] }: Measured,
  machine: string,
): string {
  const line = (row: string[]) => `| ${row.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
  const table = [line(columns), '|---|---|---|---|---|', ...rows.map((row) => line(cells(row)))];
  const prose = [...notes, `Measured ${machine}`].map(wrapped);
  const parts = [`## ${name}`, wrapped(sentence), table.join('\n'), ...prose];
  return `${parts.join('\n\n')}\n`;
}

/**
 * The page with one section put in, in the place of the bench's former one if there was one; sections stand in
 * alphabetical order.
 */
export function withSection(page: string, name: string, text: string): string {
  const sections = new Map(
    page
      .split(/^(?=## )/m)
      .filter((part) => part.startsWith('## '))
      .map((part) => [part.slice(3, part.indexOf('\n')), `${part.trimEnd()}\n`]),
  );
  sections.set(name, text);
  const sorted = [...sections].toSorted(([a], [b]) => (a < b ? -1 : 1));
  return [opening, ...sorted.map(([, part]) => part)].join('\n');
}
