import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { openApiDocument } from './openapi.ts';
import { problemsPage } from './problems-page.ts';

/** `npm run openapi`: brings docs/openapi.json and docs/problems.md up to date. */
const docs = join(import.meta.dirname, '..', 'docs');
writeFileSync(join(docs, 'openapi.json'), openApiDocument());
writeFileSync(join(docs, 'problems.md'), problemsPage());
