import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { expect, test } from 'vitest';
import {
  bannedWords,
  danglingCitations,
  endlessLoops,
  hashAsSlashes,
  isComment,
  isPythonComment,
  tooLong,
  tooWide,
  unguardedListeners,
  type Violation,
  vagueTitles,
} from './support/tidy.ts';

const tracked = execFileSync('git', ['ls-files', '--cached', '--others', '--exclude-standard'], { encoding: 'utf8' })
  .split('\n')
  .filter(
    (file) =>
      existsSync(file) &&
      !/package-lock\.json|openapi\.json|(permissions|problems|openapi)\.md|^test\/(support\/)?tidy/.test(file),
  );
const sources = tracked.filter((file) => /\.(ts|tsx|mjs|cjs|java|css)$/.test(file));
const scripts = tracked.filter((file) => file.endsWith('.py'));
const pages = tracked.filter((file) => file.endsWith('.md'));
const settings = tracked.filter((file) => /\.(xml|html|json|tf|toml)$/.test(file));
const hashed = tracked.filter((file) => /\.(py|sh|ya?ml|properties)$|^\.ci\/|Dockerfile$/.test(file));

/** Tests and the Java of the plug-in wait in loops that a deadline ends. */
const isShipped = (file: string) => !/^(test|integrations)\//.test(file);

const read = (file: string) => (existsSync(file) ? readFileSync(file, 'utf8') : undefined);

function violations(files: readonly string[], rule: (text: string) => Violation[]): string[] {
  return files.flatMap((file) => rule(read(file) ?? '').map(({ line, why }) => `${file}:${line}: ${why}`));
}

/** Code blocks show what a terminal prints, at whatever width. */
const proseOf = (markdown: string) => markdown.replace(/^```[\s\S]*?^```/gm, (block) => block.replace(/[^\n]/g, ''));

const marksIn = (text: string) => [...text.matchAll(/\bmark\('([^']+)'\)/g)].map(([, name = '']) => name);
const namedIn = (text: string) =>
  [...text.matchAll(/\breaches\(([^)]*)\)/g)].flatMap(([, names = '']) =>
    [...names.matchAll(/'([^']+)'/g)].map(([, name = '']) => name),
  );

test('no comment or paragraph is wider than 120 columns', () => {
  const anyLine = () => true;
  expect(tooWide(`// ${'a word '.repeat(20)}`, isComment)).toHaveLength(1);
  expect(tooWide(`| ${'a cell '.repeat(20)} |`, anyLine)).toEqual([]);
  const paragraphs = (page: string) => tooWide(proseOf(page), anyLine);
  expect(tooWide(`# ${'a word '.repeat(20)}`, isPythonComment)).toHaveLength(1);
  expect([
    ...violations(sources, (text) => tooWide(text, isComment)),
    ...violations(scripts, (text) => tooWide(text, isPythonComment)),
    ...violations(pages, paragraphs),
  ]).toEqual([]);
});

test('the English is plain', () => {
  expect(bannedWords('Whoever asks is told')).toHaveLength(1);
  expect(bannedWords('/** Deletes; answers whether more is left. */')).toHaveLength(1);
  expect(bannedWords('The leader asks, and may go on')).toHaveLength(1);
  expect(bannedWords('/** What the sweep reads. */')).toHaveLength(1);
  expect(bannedWords('/** What S3 says. */')).toHaveLength(1);
  expect(bannedWords("  summary: 'What was refused',")).toHaveLength(1);
  expect(bannedWords('<!-- What the tests need. -->')).toHaveLength(1);
  expect(bannedWords(hashAsSlashes('  # What comes last.\n# --- What is told ---'))).toHaveLength(2);
  expect(bannedWords('What if it dies?')).toEqual([]);
  expect(bannedWords('# What it costs')).toEqual([]);
  expect(bannedWords('The leader asks')).toEqual([]);
  const prose = violations(pages, (page) => bannedWords(proseOf(page)));
  const comments = violations(hashed, (text) => bannedWords(hashAsSlashes(text)));
  expect([...violations([...sources, ...settings], bannedWords), ...comments, ...prose]).toEqual([]);
});

test('the title of a test begins with the thing', () => {
  expect(vagueTitles("  test('what is left goes', () => {});")).toHaveLength(1);
  expect(vagueTitles("test.each([\n  'a',\n])('what %s needs', (name) => {});")).toEqual([
    { line: 3, why: ")('what %s needs'," },
  ]);
  expect(vagueTitles("test('leftovers go', () => {}); expect(said).toBe('what');")).toEqual([]);
  expect(violations(sources, vagueTitles)).toEqual([]);
});

test('each citation of a page resolves to its heading or its invariant', () => {
  const page = (name: string) => (name === 'docs/design/x.md' ? '# X\n\n## The cut\n\n**I7** holds.\n' : undefined);
  expect(danglingCitations('/** See docs/design/x.md, "The\n * cut". */', page)).toEqual([]);
  expect(danglingCitations('/** See docs/design/x.md, I7. */', page)).toEqual([]);
  expect(danglingCitations('// docs/design/x.md, "The end"', page)).toHaveLength(1);
  expect(danglingCitations('// docs/design/x.md, I8', page)).toHaveLength(1);
  expect(danglingCitations('\n// docs/y.md', page)).toEqual([{ line: 2, why: 'docs/y.md does not exist' }]);
  expect(violations(sources, (text) => danglingCitations(text, read))).toEqual([]);
  const elsewhere = violations(sources, (text) =>
    text
      .split('\n')
      .flatMap((line, at) =>
        /Design: /.test(line) && !/docs\/design/.test(line) ? [{ line: at + 1, why: line }] : [],
      ),
  );
  expect(elsewhere).toEqual([]);
});

test('no file has more than 350 lines', () => {
  expect(tooLong('line\n'.repeat(351))).toEqual([{ line: 351, why: '351 lines' }]);
  expect(tooLong('line\n'.repeat(350))).toEqual([]);
  // The protocol in one file, to be read and copied as one.
  const whole = ['examples/python/tenure_lease.py'];
  expect(
    violations(
      [...sources, ...scripts].filter((file) => !whole.includes(file)),
      tooLong,
    ),
  ).toEqual([]);
});

test('every listener has the one guard', () => {
  expect(unguardedListeners('const server = createServer((request, response) => {});')).toHaveLength(1);
  expect(unguardedListeners('createServer(\n  { x: f(1) }, guarded(rules, (a, b) => {}),\n);')).toEqual([]);
  expect(unguardedListeners('createServer(listener); guarded(rules, listener);')).toHaveLength(1);
  expect(unguardedListeners('new Server(); createSocket("udp4");')).toHaveLength(2);
  const shipped = sources.filter(isShipped);
  expect(violations(shipped, unguardedListeners)).toEqual([]);
  // Its rules in Java; test/end-to-end/stack/doors.test.ts attacks it with all others of the stack.
  const others = tracked.filter((file) => isShipped(file) && file.endsWith('.java'));
  expect(others).toEqual(['emulator/dynamodb/LoopbackServer.java']);
});

test('the head of each loop says how it ends', () => {
  expect(endlessLoops('  for (let tried = 1; ; tried += 1) {')).toHaveLength(1);
  expect(endlessLoops('for (;;) {\n  while (true) {')).toHaveLength(2);
  expect(endlessLoops('for (let tried = 1; tried < 3; tried += 1) {')).toEqual([]);
  expect(violations(sources.concat(scripts).filter(isShipped), endlessLoops)).toEqual([]);
});

test('no file is a drawer for leftovers', () => {
  const names = sources.map((file) => basename(file));
  expect(names.filter((name) => /^(utils?|helpers?|misc|common)\./.test(name))).toEqual([]);
});

test('no test is skipped or focused', () => {
  const rule = (text: string) =>
    text
      .split('\n')
      .flatMap((line, at) =>
        /\b(?:it|test|describe)\.(?:skip|todo|only)\(/.test(line) ? [{ line: at + 1, why: line }] : [],
      );
  expect(rule(`test.${'only'}('x', () => {})`)).toHaveLength(1);
  expect(violations(sources, rule)).toEqual([]);
});

test('each mark stands on one line, and a test names it', () => {
  const product = sources.filter((file) => !file.startsWith('test/')).map((file) => read(file) ?? '');
  const tests = sources.filter((file) => file.startsWith('test/')).map((file) => read(file) ?? '');
  expect(marksIn("mark('a');\nif (b) mark('b');")).toEqual(['a', 'b']);
  expect(namedIn("reaches('a', 'b');")).toEqual(['a', 'b']);
  const marks = product.flatMap(marksIn);
  expect(marks.length).toBeGreaterThan(5);
  expect(marks.filter((name, at) => marks.indexOf(name) !== at)).toEqual([]);
  expect([...new Set(tests.flatMap(namedIn))].sort()).toEqual(marks.sort());
});
