/** Writes docs/openapi.json from the same schemas that the handlers validate with. `npm run openapi`, `-- --check` only compares. */
import { readFile, writeFile } from 'node:fs/promises';
import * as z from 'zod';
import { createDocument, type ZodOpenApiOperationObject, type ZodOpenApiPathsObject } from 'zod-openapi';
import { catalogue } from '../functions/operations/catalogue.ts';
import type { Operation } from '../functions/platform/operation.ts';
import { platformProblems } from '../functions/platform/problem.ts';
import packageJson from '../package.json' with { type: 'json' };

const problemAnswer = z
  .looseObject({
    type: z.string(),
    title: z.string(),
    status: z.int(),
    detail: z.string(),
    code: z.string(),
    retryable: z.boolean(),
    retryAfterMs: z.int().optional(),
    issues: z.array(z.object({ path: z.string(), message: z.string() })).optional(),
  })
  .meta({ id: 'Problem', description: 'RFC 9457 problem' });

const fenceHeaders = { 'Fencing-Version': z.int().min(1), 'Leader-Session': z.uuid() };

function headers({ method, fence, headers: own = {} }: Operation) {
  const fenced = fence === 'required' ? fenceHeaders : {};
  const maybeFenced = fence === 'optional' ? z.object(fenceHeaders).partial().shape : {};
  const idempotency = method === 'GET' ? {} : { 'Idempotency-Key': z.string().max(64).optional() };
  return z.object({ ...fenced, ...maybeFenced, ...own, ...idempotency });
}

function describe(operationId: string, operation: Operation): ZodOpenApiOperationObject {
  const problems = [...platformProblems, ...operation.problems];
  const statuses = [...new Set(problems.map(({ status }) => status))].sort();
  const answered = (status: number) =>
    problems.filter((kind) => kind.status === status).map(({ code, title }) => `\`${code}\`: ${title}`);
  return {
    operationId,
    summary: operation.summary,
    requestParams: {
      path: operation.params as z.ZodObject,
      query: operation.query as z.ZodObject,
      header: headers(operation),
    },
    ...(operation.method === 'GET'
      ? {}
      : { requestBody: { content: { 'application/json': { schema: operation.body } } } }),
    responses: {
      [`${operation.status ?? 200}`]: {
        description: 'Success',
        content: { 'application/json': { schema: operation.answer } },
      },
      ...Object.fromEntries(
        statuses.map((status) => [
          `${status}`,
          {
            description: answered(status).join('; '),
            content: { 'application/problem+json': { schema: problemAnswer } },
          },
        ]),
      ),
    },
  };
}

function paths(): ZodOpenApiPathsObject {
  const made: Record<string, Record<string, ZodOpenApiOperationObject>> = {};
  for (const [name, operation] of Object.entries<Operation>(catalogue)) {
    made[operation.path] = { ...made[operation.path], [operation.method.toLowerCase()]: describe(name, operation) };
  }
  return made;
}

const document = createDocument({
  openapi: '3.1.0',
  info: { title: 'Tenure', version: packageJson.version, description: packageJson.description },
  security: [{ sigv4: [] }],
  components: {
    securitySchemes: {
      sigv4: {
        type: 'apiKey',
        name: 'Authorization',
        in: 'header',
        description: 'AWS Signature Version 4, service execute-api',
      },
    },
  },
  paths: paths(),
});

const file = new URL('../docs/openapi.json', import.meta.url);
const text = `${JSON.stringify(document, null, 2)}\n`;
if (!process.argv.includes('--check')) await writeFile(file, text);
else if ((await readFile(file, 'utf8')) !== text) {
  console.error('docs/openapi.json differs from the schemas: run "npm run openapi" and commit it');
  process.exitCode = 1;
}
