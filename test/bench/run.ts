/**
 * `npm run bench -- [NAME…]`: measures these comparisons, or all; prints a table of each and brings its section of
 * docs/bench.md up to date.
 */
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Bench, Row } from './bench.ts';
import { describeMachine } from './machine.ts';
import { cells, columns, section, withSection } from './page.ts';

const known = readdirSync(import.meta.dirname)
  .filter((name) => existsSync(join(import.meta.dirname, name, 'bench.ts')))
  .toSorted();
const page = join(import.meta.dirname, '..', '..', 'docs', 'bench.md');

const named = process.argv.slice(2);
const unknown = named.filter((name) => !known.includes(name));
if (unknown.length > 0) {
  console.error(`There is no bench "${unknown.join('", "')}"; the benches are: ${known.join(', ')}`);
  process.exit(64);
}

for (const name of named.length > 0 ? named : known) {
  const { bench } = (await import(`./${name}/bench.ts`)) as { bench: Bench };
  const startedAt = Date.now();
  console.log(`\n== ${name}: ${bench.sentence}`);
  try {
    const measured = await bench.run((progress) => console.log(`   ${progress}`));
    print(measured.rows);
    for (const note of measured.notes ?? []) console.log(note);
    const text = section(bench, measured, describeMachine(measured.peers ?? []));
    writeFileSync(page, withSection(existsSync(page) ? readFileSync(page, 'utf8') : '', name, text));
  } catch (error) {
    // The others are still worth measuring; its section stays as it was.
    console.error(error);
    process.exitCode = 1;
  }
  console.log(`== ${name}: ${Math.round((Date.now() - startedAt) / 1000)} s`);
}

function print(rows: Row[]): void {
  const table = [columns, ...rows.map(cells)];
  const widths = columns.map((_, at) => Math.max(...table.map((row) => row[at]?.length ?? 0)));
  for (const row of table)
    console.log(
      row
        .map((cell, at) => cell.padEnd(widths[at] ?? 0))
        .join('  ')
        .trimEnd(),
    );
}
