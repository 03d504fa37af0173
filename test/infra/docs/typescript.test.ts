import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
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
        'tenure/cdk': [join(project, 'infra/index.ts')],
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

test('every @example of the library has the right types', () => {
  const modules = new Map<string, string>();
  const files = readdirSync(join(project, 'client'), { recursive: true, encoding: 'utf8' });
  for (const file of files.filter((name) => name.endsWith('.ts'))) {
    for (const { at, lines } of examplesIn(readFileSync(join(project, 'client', file), 'utf8'))) {
      modules.set(`${file}-${at}`, moduleOf('', at, lines));
    }
  }
  expect(modules.size).toBeGreaterThan(3);
  expect(compile(modules)).toBe('');
  expect(compile(new Map([['planted', moduleOf('', 1, ["import { nothing } from 'tenure/fence';"])]]))).toContain(
    'nothing',
  );
});
