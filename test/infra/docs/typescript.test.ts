import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { allPages, blocksOf, readPage } from '../../support/docs/markdown.ts';
import { project } from '../../support/stack.ts';

/**
 * A page's assumptions, in a block that readers do not see:
 *
 *     <!-- ts
 *     declare function recover(term: Term): Promise<void>;
 *     -->
 */
function hiddenIn(markdown: string): string {
  return [...markdown.matchAll(/^<!-- ts\n([\s\S]*?)\n-->$/gm)].map(([, code]) => code).join('\n');
}

/** A comment in a line of its own instead of each line before the block, so that messages name the page's lines. */
function moduleOf(markdown: string, at: number, lines: readonly string[]): string {
  return `${'//\n'.repeat(at)}${lines.join('\n')}\n${hiddenIn(markdown)}\nexport {};\n`;
}

/** The `@example` blocks of docstrings, each at the line where it begins. */
function examplesIn(source: string): { at: number; lines: string[] }[] {
  return [...source.matchAll(/^\s*\* @example\n\s*\* ```ts\n([\s\S]*?)^\s*\* ```$/gm)].map((match) => ({
    at: source.slice(0, match.index).split('\n').length + 1,
    lines: (match[1] ?? '').split('\n').map((line) => line.replace(/^\s*\* ?/, '')),
  }));
}

/** Compiles the modules as a user of the package would; returns what the compiler reports. */
function compile(modules: ReadonlyMap<string, string>): string {
  const folder = mkdtempSync(join(tmpdir(), 'tenure-docs-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  for (const [name, text] of modules) writeFileSync(join(folder, `${name.replaceAll('/', '_')}.ts`), text);
  const tsconfig = {
    extends: join(project, 'tsconfig.json'),
    compilerOptions: {
      noUnusedLocals: false,
      noPropertyAccessFromIndexSignature: false,
      typeRoots: [join(project, 'node_modules', '@types')],
      paths: {
        tenure: [join(project, 'client/index.ts')],
        'tenure/fence': [join(project, 'client/fence/index.ts')],
        'tenure-cdk': [join(project, 'infra/index.ts')],
        '*': [join(project, 'node_modules/@types/*'), join(project, 'node_modules/*')],
      },
    },
    include: [join(folder, '*.ts')],
    exclude: [],
  };
  writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify(tsconfig));
  return spawnSync(join(project, 'node_modules/.bin/tsc'), ['-p', folder], { encoding: 'utf8' }).stdout;
}

test('every TypeScript block of the documentation has the right types', () => {
  const modules = new Map<string, string>();
  for (const page of allPages()) {
    const markdown = readPage(page);
    for (const { language, at, lines } of blocksOf(markdown)) {
      if (language === 'ts') modules.set(`${page}-${at}`, moduleOf(markdown, at, lines));
    }
  }
  expect(modules.size).toBeGreaterThan(3);
  expect(compile(modules)).toBe('');
});

function publicSources(): [file: string, source: string][] {
  return ['client', 'infra'].flatMap((room) => {
    const files = readdirSync(join(project, room), { recursive: true, encoding: 'utf8' });
    return files.flatMap((name): [string, string][] =>
      name.endsWith('.ts') ? [[join(room, name), readFileSync(join(project, room, name), 'utf8')]] : [],
    );
  });
}

/** The classes, functions and constants that an entry exports from a file, and have no `@example` there. */
function withoutExample(entry: string): string[] {
  const text = readFileSync(join(project, entry), 'utf8');
  return [...text.matchAll(/^export \{([^}]*)\} from '(.*)';$/gm)].flatMap(([, names = '', from = '']) => {
    const file = join(dirname(entry), from);
    const source = readFileSync(join(project, file), 'utf8');
    const values = names.split(',').map((name) => name.trim());
    return values.filter((name) => /^\w+$/.test(name) && !hasExample(source, name)).map((name) => `${file}: ${name}`);
  });
}

/** Whether the docstring right above the declaration, or above the first of its overloads, has an example. */
function hasExample(source: string, name: string): boolean {
  const declared = new RegExp(`^export (async )?(class|function\\*?|const) ${name}\\b`, 'm').exec(source);
  const above = source.slice(0, declared?.index ?? 0);
  return above.endsWith(' */\n') && above.slice(above.lastIndexOf('/**')).includes('@example');
}

test('everything that the library exports has an @example', () => {
  const entries = ['client/index.ts', 'client/browser.ts', 'client/fence/index.ts', 'infra/index.ts'];
  expect(entries.flatMap(withoutExample)).toEqual([]);
  expect(hasExample('/** Sums up. */\nexport const planted = 1;\n', 'planted')).toBe(false);
});

test('every @example of the library has the right types', () => {
  const modules = new Map<string, string>();
  for (const [file, source] of publicSources()) {
    for (const { at, lines } of examplesIn(source)) modules.set(`${file}-${at}`, moduleOf('', at, lines));
  }
  expect(modules.size).toBeGreaterThan(3);
  expect(compile(modules)).toBe('');
  expect(compile(new Map([['planted', moduleOf('', 1, ["import { nothing } from 'tenure/fence';"])]]))).toContain(
    'nothing',
  );
});
