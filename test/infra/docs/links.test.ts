import { existsSync, statSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { describe, expect, test } from 'vitest';
import { allPages, readPage } from '../../support/docs/markdown.ts';
import { project } from '../../support/stack.ts';

/** As GitHub makes an anchor of a heading. */
function anchorsOf(page: string): string[] {
  const headings = withoutBlocks(readPage(page)).matchAll(/^#+ (.*)$/gm);
  return [...headings].map(([, heading = '']) =>
    heading
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N}\s_-]/gu, '')
      .trim()
      .replaceAll(' ', '-'),
  );
}

function withoutBlocks(markdown: string): string {
  return markdown.replaceAll(/^```[\s\S]*?^```$/gm, '');
}

function linksOf(page: string): string[] {
  const text = withoutBlocks(readPage(page)).replaceAll(/`[^`]*`/g, '');
  return [...text.matchAll(/\]\(([^)\s]+)\)/g)].map(([, target = '']) => target);
}

/** The fault of a link, if it has one. */
function broken(page: string, target: string): string | undefined {
  const [path = '', anchor] = target.split('#');
  const file = path === '' ? page : normalize(join(dirname(page), path));
  if (file.startsWith('..')) return `${target} leaves the project`;
  if (!existsSync(join(project, file))) return `${target}: there is no ${file}`;
  if (anchor === undefined) return undefined;
  if (statSync(join(project, file)).isDirectory()) return `${target}: a folder has no anchors`;
  return anchorsOf(file).includes(anchor) ? undefined : `${target}: ${file} has no heading for it`;
}

describe('links', () => {
  test.each(allPages())('of %s lead somewhere', (page) => {
    const inside = linksOf(page).filter((target) => !/^[a-z]+:/.test(target));
    expect(inside.map((target) => broken(page, target)).filter(Boolean)).toEqual([]);
  });

  test('from the README reach every page', () => {
    const reached = new Set(['README.md']);
    for (const page of reached) {
      for (const target of linksOf(page)) {
        const file = normalize(join(dirname(page), target.split('#')[0] ?? ''));
        if (existsSync(join(project, file)) && file.endsWith('.md')) reached.add(file);
      }
    }
    const decision = (page: string) => page.startsWith('docs/decisions/');
    expect(allPages().filter((page) => !reached.has(page) && !decision(page))).toEqual([]);
  });
});
