import { cleanLine } from './clean.ts';
import type { Shell } from './shell.ts';

/** Prints a result: as JSON on one line with --json, else as people read it. */
export function print<Value>(
  shell: Shell,
  { json }: { json?: boolean },
  value: Value,
  forPeople: (value: Value) => string,
): void {
  shell.out(json ? JSON.stringify(value) : forPeople(value));
}

export interface Column<Row> {
  readonly title: string;
  of(row: Row): string | number | null | undefined;
}

/** Rows in aligned columns; numbers to the right, `-` for missing values. Prints `empty` when there is no row. */
export function table<Row>(rows: readonly Row[], columns: readonly Column<Row>[], empty: string): string {
  if (rows.length === 0) return empty;
  const cells = rows.map((row) => columns.map(({ of }) => of(row)));
  const numeric = columns.map((_, at) => cells.every((row) => typeof row[at] === 'number'));
  const lines = [columns.map(({ title }) => title), ...cells.map((row) => row.map((cell) => plain(cell ?? '-')))];
  const widths = columns.map((_, at) => Math.max(...lines.map((line) => line[at]?.length ?? 0)));
  return lines
    .map((line) =>
      line
        .map((cell, at) => (numeric[at] ? cell.padStart(widths[at] ?? 0) : cell.padEnd(widths[at] ?? 0)))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}

/** One `name: value` per line, aligned. */
export function fields(entries: Readonly<Record<string, string | number | null | undefined>>): string {
  const width = Math.max(...Object.keys(entries).map((key) => key.length));
  return Object.entries(entries)
    .map(([key, value]) => `${key.padEnd(width)}  ${plain(value ?? '-')}`)
    .join('\n');
}

/** A value as text that stays on its line and that a terminal does not obey. */
export function plain(value: string | number): string {
  return cleanLine(String(value));
}

/** An instant as seen from now: `in 12 s`, `3 min ago`. */
export function relative(instant: string, now = Date.now()): string {
  const ms = Date.parse(instant) - now;
  const text = duration(Math.abs(ms));
  return ms >= 0 ? `in ${text}` : `${text} ago`;
}

export function duration(ms: number): string {
  const seconds = ms / 1000;
  if (seconds < 10) return `${seconds.toFixed(1)} s`;
  if (seconds < 120) return `${Math.round(seconds)} s`;
  if (seconds < 7200) return `${Math.round(seconds / 60)} min`;
  if (seconds < 172_800) return `${Math.round(seconds / 3600)} h`;
  return `${Math.round(seconds / 86_400)} d`;
}

export function bytes(count: number): string {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];
  const power = Math.min(units.length - 1, count < 1 ? 0 : Math.floor(Math.log2(count) / 10));
  return power === 0 ? `${count} B` : `${(count / 1024 ** power).toFixed(1)} ${units[power]}`;
}

/** All items of a list, for commands that print it whole; at most `limit`. */
export async function collectItems<Item>(
  items: AsyncIterable<Item>,
  limit = Number.POSITIVE_INFINITY,
): Promise<Item[]> {
  const found: Item[] = [];
  for await (const item of items) {
    if (found.length >= limit) break;
    found.push(item);
  }
  return found;
}
