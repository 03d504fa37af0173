/** The rules of CONTRIBUTING.md that no linter has, each as a function from a file's text to its violations. */

export interface Violation {
  readonly line: number;
  readonly why: string;
}

export const proseWidth = 120;

/** The habits of translated English; a technical writer would not write one of them. */
const banned: readonly [RegExp, string][] = [
  [/\bwhoever\b/i, '"whoever"'],
  [/(^|[.:] |\* |\/\/ |> |<!-- |['"`])What \S[^?]*$/, 'begin with the thing, not with "What"'],
  [/\banother hand\b/i, '"another hand"'],
  [/\bwithout mercy\b/i, '"without mercy"'],
  [/\bthe own\b/i, '"the own"'],
  [/\bgo(es)? on\b/i, '"go on": write continue'],
  [/\bsigns? of life\b/i, '"sign of life": write heartbeat'],
  [/(^\s*(\/\*\*|\*)|[;,.]) answers (whether|undefined|true|false|how many)\b/i, 'functions return, services answer'],
];

/**
 * Comments and paragraphs wider than 120 columns. The formatter answers for code; drawings, tables and URLs may be
 * wider.
 */
export function tooWide(text: string, isProse: (line: string) => boolean): Violation[] {
  return linesOf(text).flatMap(([line, at]) => {
    const width = [...line].length;
    const exempt = /^\s*\||https?:\/\/\S{60}|[─│┌└├┤→▶●]| {3,}\S|^\s*\S+$/.test(line.trim());
    return width > proseWidth && isProse(line) && !exempt ? [{ line: at, why: `${width} columns` }] : [];
  });
}

export const isComment = (line: string): boolean => /^\s*(\/\*|\*|\/\/)/.test(line);
/** Of Python: lines of `#`, and of docstrings that stand on one line. */
export const isPythonComment = (line: string): boolean => /^\s*(#|""")/.test(line);

export const mostLines = 350;

export function tooLong(text: string): Violation[] {
  const lines = text.trimEnd().split('\n').length;
  return lines > mostLines ? [{ line: lines, why: `${lines} lines` }] : [];
}

/** Loops whose head does not say how they end. */
export function endlessLoops(text: string): Violation[] {
  return linesOf(text).flatMap(([line, at]) =>
    /\bfor \([^;]*;\s*;|\bwhile \((true|1)\)|^\s*while True:/.test(line) ? [{ line: at, why: line.trim() }] : [],
  );
}

/** Servers that are made of anything but `guarded(…)` of cli/request-guard.ts. */
export function unguardedListeners(text: string): Violation[] {
  return [...text.matchAll(/\b(createServer|createSecureServer|createSocket|new Server|new WebSocketServer)\(/g)]
    .filter(({ 0: call, index }) => !/\bguarded\(/.test(argumentsAt(text, index + call.length)))
    .map(({ 0: call, index }) => ({ line: text.slice(0, index).split('\n').length, why: `${call}…) has no guard` }));
}

/** From behind the parenthesis that opens to the one that closes. */
function argumentsAt(text: string, start: number): string {
  let depth = 1;
  for (let at = start; at < text.length; at += 1) {
    if (text[at] === '(') depth += 1;
    if (text[at] === ')') depth -= 1;
    if (depth === 0) return text.slice(start, at);
  }
  return text.slice(start);
}

/** Titles of tests; those that ask ("what if …?") may. */
export function vagueTitles(text: string): Violation[] {
  return [...text.matchAll(/(?:\b(?:it|test|describe)[\w.]*|\))\(\s*(['"`])what (?:(?!\1).)*\1, /gi)]
    .filter(([title]) => !title.includes('?'))
    .map(({ 0: title, index }) => ({ line: text.slice(0, index).split('\n').length, why: title.trim() }));
}

/** Comments of shells, Python and YAML as the rules for `//` read them. */
export const hashAsSlashes = (text: string): string => text.replace(/^(\s*)#(?: -+)? /gm, '$1// ');

export function bannedWords(text: string): Violation[] {
  return linesOf(text).flatMap(([line, at]) =>
    banned.filter(([pattern]) => pattern.test(line)).map(([, why]) => ({ line: at, why })),
  );
}

/**
 * A citation is a page and, in quotation marks, one of its headings, or an invariant by its name:
 * `docs/design/log.md, "Acceptor rules"` or `docs/design/log.md, I7`.
 */
export function danglingCitations(text: string, read: (page: string) => string | undefined): Violation[] {
  const joined = text.replace(/\n\s*(?:\*|\/\/)\s?/g, (gap) => ` ${'\uE000'.repeat(gap.split('\n').length - 1)}`);
  return [...joined.matchAll(/\bdocs\/[\w/.-]+\.md\b(?:(?:, | at |: )"([^"]+)"|, ([A-Z]\d+)\b)?/g)].flatMap((match) => {
    const [cited = '', heading, invariant] = match;
    const before = joined.slice(0, match.index);
    const line = before.split('\n').length + (before.match(/\uE000/g)?.length ?? 0);
    const page = /docs\/[\w/.-]+\.md/.exec(cited)?.[0] ?? '';
    const content = read(page);
    if (content === undefined) return [{ line, why: `${page} does not exist` }];
    const wanted = heading?.replaceAll('\uE000', '').replace(/\s+/g, ' ');
    if (wanted !== undefined && !wanted.includes('${') && !headings(content).includes(wanted)) {
      return [{ line, why: `${page} has no heading "${wanted}"` }];
    }
    if (invariant && !new RegExp(`\\*\\*${invariant}\\b`).test(content)) {
      return [{ line, why: `${page} names no invariant ${invariant}` }];
    }
    return [];
  });
}

function headings(page: string): string[] {
  return [...page.matchAll(/^#+ (.+)$/gm)].map(([, title = '']) => title.replaceAll('`', ''));
}

function linesOf(text: string): [string, number][] {
  return text.split('\n').map((line, at) => [line, at + 1]);
}
