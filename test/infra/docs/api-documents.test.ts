import { readdirSync, readFileSync } from 'node:fs';
import { Validator } from '@seriousme/openapi-schema-validator';
import { expect, test } from 'vitest';
import { catalogue } from '../../../api/catalogue.ts';
import type { ProblemKind } from '../../../api/problem.ts';
import { libraryPage } from '../../../infra/library-page.ts';
import { openApiDocument } from '../../../infra/openapi.ts';
import { problemsPage } from '../../../infra/problems-page.ts';
import { routesPage } from '../../../infra/routes-page.ts';

const page = (name: string) => readFileSync(new URL(`../../../docs/${name}`, import.meta.url), 'utf8');
const outdated = 'is not what the schemas say: run "npm run openapi" and commit it';

test('docs/openapi.json is made from the schemas', () => {
  expect(openApiDocument() === page('openapi.json'), `docs/openapi.json ${outdated}`).toBe(true);
});

test('docs/problems.md is made from the problems', () => {
  expect(problemsPage() === page('problems.md'), `docs/problems.md ${outdated}`).toBe(true);
});

test('docs/api.md has every operation, as declared', () => {
  expect(routesPage() === page('api.md'), `docs/api.md ${outdated}`).toBe(true);
  const shown = [...page('api.md').matchAll(/^\| `(\w+)` \| `[A-Z]+ \/v1/gm)].map(([, id]) => id);
  expect(shown.toSorted()).toEqual(Object.keys(catalogue).toSorted());
});

test('docs/reference.md has everything that is exported, as its docstrings say', async () => {
  expect(libraryPage() === page('reference.md'), `docs/reference.md ${outdated}`).toBe(true);
  const values = Object.keys(await import('../../../client/index.ts'));
  expect(values.length).toBeGreaterThan(20);
  for (const name of values) expect(page('reference.md'), name).toMatch(new RegExp(`^### ${name}\n\n[A-Z\`]`, 'm'));
});

test('docs/problems.md has every problem that any room declares, which is every code that is answered', async () => {
  const folder = new URL('../../../api/', import.meta.url);
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((file) =>
    /^problem(s\/.*)?\.ts$/.test(file),
  );
  const rooms = await Promise.all(files.map((file) => import(new URL(file, folder).href) as Promise<object>));
  const kinds = rooms.flatMap((room) => Object.values(room)).filter(isKind);
  expect(kinds.length).toBeGreaterThan(30);
  const missing = kinds.filter(({ code }) => !page('problems.md').includes(`| \`${code}\` |`));
  expect(missing.map(({ code }) => code)).toEqual([]);
  const elsewhere = [...sources(folder), ...sources(new URL('../functions/', folder))].filter(
    ([file, text]) => !files.includes(file) && /: ProblemKind = /.test(text),
  );
  expect(elsewhere.map(([file]) => file)).toEqual([]);
});

/**
 * Codes that a backup or a restore ends with stand in its status; they are no answers, and have a table of their own.
 */
test('docs/backups.md says what to do about every code that a backup can fail with', () => {
  const functions = new URL('../../../functions/', import.meta.url);
  const codes = [...sources(new URL('backups/', functions)), ...sources(new URL('restore/', functions))].flatMap(
    ([, text]) => [...text.matchAll(/\bcode: '(\w+)'/g)].map(([, code]) => String(code)),
  );
  expect(codes).toContain('worker_lost');
  expect([...new Set(codes)].filter((code) => !page('backups.md').includes(`\`${code}\``))).toEqual([]);
});

function isKind(value: unknown): value is ProblemKind {
  return typeof value === 'object' && value !== null && 'code' in value && 'remedy' in value;
}

function sources(folder: URL): [string, string][] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.ts'))
    .map((file) => [file, readFileSync(new URL(file, folder), 'utf8')]);
}

test('the document has every operation once, with its problems', () => {
  const { paths } = JSON.parse(openApiDocument()) as { paths: Record<string, Record<string, { operationId: string }>> };
  const ids = Object.values(paths).flatMap((methods) => Object.values(methods).map(({ operationId }) => operationId));
  expect(ids.toSorted()).toEqual(Object.keys(catalogue).toSorted());
});

test('the document is valid OpenAPI 3.1, with every reference in it', async () => {
  const validator = new Validator();
  expect(await validator.validate(JSON.parse(openApiDocument()))).toEqual({ valid: true });
  expect(validator.version).toBe('3.1');
  expect(() => validator.resolveRefs()).not.toThrow();
});

test('a document with a mistake would be refused', async () => {
  const document = JSON.parse(openApiDocument());
  const [operation] = Object.values<Record<string, { responses?: unknown }>>(document.paths);
  for (const one of Object.values(operation ?? {})) one.responses = 'none';
  expect(await new Validator().validate(document)).toMatchObject({ valid: false });
});

test('every problem has a cause and a remedy in the page', () => {
  const rows = problemsPage()
    .split('\n')
    .filter((line) => line.startsWith('| `'));
  const cells = rows.map((row) => row.split('|').map((cell) => cell.trim()));
  expect(cells.length).toBeGreaterThan(30);
  for (const [, code, , , cause, remedy] of cells) {
    expect(cause?.length, code).toBeGreaterThan(10);
    expect(remedy?.length, code).toBeGreaterThan(10);
  }
});
