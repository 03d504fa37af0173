import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { libraryPage } from './library-page.ts';
import { openApiDocument } from './openapi.ts';
import { problemsPage } from './problems-page.ts';
import { routesPage } from './routes-page.ts';

/** `npm run openapi`: brings docs/openapi.json, docs/problems.md, docs/api.md and docs/reference.md up to date. */
const docs = join(import.meta.dirname, '..', 'docs');
writeFileSync(join(docs, 'openapi.json'), openApiDocument());
writeFileSync(join(docs, 'problems.md'), problemsPage());
writeFileSync(join(docs, 'api.md'), routesPage());
writeFileSync(join(docs, 'reference.md'), libraryPage());
