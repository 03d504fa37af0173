import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { catalogue } from '../../../functions/operations/catalogue.ts';
import { openApiDocument, problemsPage } from '../../../infra/api-documents.ts';

const page = (name: string) => readFileSync(new URL(`../../../docs/${name}`, import.meta.url), 'utf8');
const outdated = 'is not what the schemas say: run "npm run openapi" and commit it';

test('docs/openapi.json is made from the schemas', () => {
  expect(openApiDocument() === page('openapi.json'), `docs/openapi.json ${outdated}`).toBe(true);
});

test('docs/problems.md is made from the problems', () => {
  expect(problemsPage() === page('problems.md'), `docs/problems.md ${outdated}`).toBe(true);
});

test('the document has every operation once, with its problems', () => {
  const { paths } = JSON.parse(openApiDocument()) as { paths: Record<string, Record<string, { operationId: string }>> };
  const ids = Object.values(paths).flatMap((methods) => Object.values(methods).map(({ operationId }) => operationId));
  expect(ids.toSorted()).toEqual(Object.keys(catalogue).toSorted());
});
