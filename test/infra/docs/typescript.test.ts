import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
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

test('every TypeScript block of the documentation has the right types', () => {
  const folder = mkdtempSync(join(tmpdir(), 'tenure-docs-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  let blocks = 0;
  for (const page of allPages()) {
    const markdown = readPage(page);
    for (const { language, at, lines } of blocksOf(markdown)) {
      if (language !== 'ts') continue;
      blocks += 1;
      writeFileSync(join(folder, `${page.replaceAll('/', '_')}-${at}.ts`), moduleOf(markdown, at, lines));
    }
  }
  expect(blocks).toBeGreaterThan(3);
  const tsconfig = {
    extends: join(project, 'tsconfig.json'),
    compilerOptions: {
      noUnusedLocals: false,
      noPropertyAccessFromIndexSignature: false,
      typeRoots: [join(project, 'node_modules', '@types')],
      paths: {
        tenure: [join(project, 'client/index.ts')],
        'tenure/cdk': [join(project, 'infra/index.ts')],
        '*': [join(project, 'node_modules/*')],
      },
    },
    include: [join(folder, '*.ts')],
    exclude: [],
  };
  writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify(tsconfig));
  const { stdout, status } = spawnSync(join(project, 'node_modules/.bin/tsc'), ['-p', folder], { encoding: 'utf8' });
  expect(stdout).toBe('');
  expect(status).toBe(0);
});
