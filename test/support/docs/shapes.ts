import { anyLines } from './console.ts';

/**
 * Values that differ from run to run are compared by their shape. Ids and long numbers (process ids, ports, bytes) are
 * learned on top: what a page calls by one name must be one and the same in the run, and stands in for it in the page's
 * later commands.
 */
const shapes = [
  { name: 'instant', pattern: String.raw`\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z` },
  { name: 'id', pattern: '[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}', learned: true },
  { name: 'contender', pattern: String.raw`\bvm-\d+-[0-9a-f]{8}\b`, learned: true },
  { name: 'digest', pattern: String.raw`\b[0-9a-f]{64}\b`, learned: true },
  { name: 'duration', pattern: String.raw`\b\d+(?:\.\d+)? (?:ms|s|min|h|d)\b` },
  {
    name: 'checkpoint',
    pattern: String.raw`\b\d+(?= +\(?\d+(?:\.\d+)? (?:B|KiB|MiB)\b)|(?<=\b(?:checkpoint|savepoint) )\d+\b`,
  },
  { name: 'size', pattern: String.raw`\b\d+(?:\.\d+)? (?:B|KiB|MiB)\b` },
  { name: 'number', pattern: String.raw`(?<=\w:)\d+\b|\b\d{4,}\b`, learned: true },
] as const;

const variable = new RegExp(shapes.map(({ name, pattern }) => `(?<${name}>${pattern})`).join('|'), 'g');
const learnedShapes: readonly string[] = shapes.filter((shape) => 'learned' in shape).map(({ name }) => name);

/** The page's values, by those of the run. */
export type Learned = ReadonlyMap<string, string>;

export interface Match {
  /** The page's lines with what the run says in them. */
  readonly said: readonly string[];
  /** Lines of the run that they stand for. */
  readonly taken: number;
  readonly learned: Learned;
}

/** Whether the run begins with what the page says, or with `whole` says nothing else. */
export function match(
  page: readonly string[],
  run: readonly string[],
  learned: Learned,
  whole: boolean,
): Match | undefined {
  const [wanted, ...rest] = page;
  if (wanted === undefined) return whole && run.length > 0 ? undefined : { said: [], taken: 0, learned };
  if (wanted === anyLines) {
    for (let skipped = 0; skipped <= run.length; skipped += 1) {
      const found = match(rest, run.slice(skipped), learned, whole);
      if (found) return { ...found, said: [anyLines, ...found.said], taken: found.taken + skipped };
    }
    return undefined;
  }
  const [line, ...more] = run;
  const known = line === undefined ? undefined : matchLine(wanted, line, learned);
  const found = known && match(rest, more, known, whole);
  return found && { ...found, said: [line ?? '', ...found.said], taken: found.taken + 1 };
}

function matchLine(page: string, run: string, learned: Learned): Learned | undefined {
  const wanted = split(page);
  const said = split(run);
  if (wanted.template !== said.template) return undefined;
  const more = new Map(learned);
  for (const [at, { name, value }] of wanted.values.entries()) {
    const seen = said.values[at]?.value ?? '';
    if (!learnedShapes.includes(name)) continue;
    if ((more.get(value) ?? seen) !== seen) return undefined;
    more.set(value, seen);
  }
  return more;
}

/** A line with names in place of what varies. Columns are as wide as their widest value, so blanks vary, too. */
function split(line: string): { template: string; values: { name: string; value: string }[] } {
  const values: { name: string; value: string }[] = [];
  const template = line.replaceAll(variable, (value, ...rest) => {
    const groups = rest.at(-1) as Record<string, string | undefined>;
    const [name = ''] = Object.entries(groups).find(([, found]) => found !== undefined) ?? [];
    values.push({ name, value });
    return `<${name}>`;
  });
  return { template: template.trim().replaceAll(/ +/g, ' '), values };
}

/** A command of the page as this run has to type it. */
export function translated(command: string, learned: Learned): string {
  const keys = [...learned.keys()].sort((one, other) => other.length - one.length);
  if (keys.length === 0) return command;
  return command.replaceAll(new RegExp(`\\b(?:${keys.join('|')})\\b`, 'g'), (key) => learned.get(key) ?? key);
}
