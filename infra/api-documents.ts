/** The API's reference documents, made from the same schemas that the handlers validate with. */
import * as z from 'zod';
import { createDocument, type ZodOpenApiOperationObject, type ZodOpenApiPathsObject } from 'zod-openapi';
import { catalogue } from '../api/catalogue.ts';
import type { Operation } from '../api/operation.ts';
import { platformProblems } from '../api/problem.ts';
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

/** API Gateway's own answers, before any function runs or when one fails to answer. */
const gatewayAnswers: Record<number, string> = {
  403: 'The signature or the policy does not allow it',
  413: 'The request has more than 6 MB',
  429: 'Throttled',
  431: 'The headers have more than 10 KB',
  500: 'The function failed',
  503: 'The function did not answer in time, or too many run',
};

const gatewayAnswer = z.object({ message: z.string() }).meta({ id: 'GatewayAnswer' });

function gatewayContent(status: number) {
  return status in gatewayAnswers ? { 'application/json': { schema: gatewayAnswer } } : {};
}

const gatewayResponses = Object.entries(gatewayAnswers).map(
  ([status, description]) =>
    [status, { id: `Gateway${status}`, description, content: gatewayContent(Number(status)) }] as const,
);

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
  const successes = [operation.status ?? 200, ...(operation.otherStatuses ?? [])];
  const success = { description: 'Success', content: { 'application/json': { schema: operation.answer } } };
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
      ...Object.fromEntries(successes.map((status) => [`${status}`, success])),
      ...Object.fromEntries(
        statuses.map((status) => [
          `${status}`,
          {
            description: answered(status).join('; '),
            content: { 'application/problem+json': { schema: problemAnswer }, ...gatewayContent(status) },
          },
        ]),
      ),
      ...Object.fromEntries(gatewayResponses.filter(([status]) => !statuses.includes(Number(status)))),
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

/** The OpenAPI 3.1 document of the API. */
export function openApiDocument(): string {
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
  return `${JSON.stringify(document, null, 2)}\n`;
}

/** Every problem code with its cause and remedy. */
export function problemsPage(): string {
  const declared = Object.values<Operation>(catalogue).flatMap(({ problems }) => problems);
  const kinds = new Map([...platformProblems, ...declared].map((kind) => [kind.code, kind]));
  const rows = [...kinds.values()]
    .toSorted((one, other) => one.status - other.status || one.code.localeCompare(other.code))
    .map(
      ({ code, status, retryable, title, remedy }) =>
        `| \`${code}\` | ${status} | ${retryable ? 'yes' : 'no'} | ${title}. | ${remedy} |`,
    );
  return `# Problems

Every answer that is not a success is an RFC 9457 problem (\`application/problem+json\`). Its \`code\` is one of these; \`detail\`
names the thing, both values and what to do next. "Again" says whether the very same request, with the same Idempotency-Key,
can succeed later; \`retryAfterMs\` says when.

| code | status | again | cause | remedy |
|---|---|---|---|---|
${rows.join('\n')}

What API Gateway itself answers, without a problem body, the client reports as \`forbidden\` (403), \`throttled\` (429) and
\`unavailable\` (503, 504). The page is written by \`npm run openapi\`.
`;
}
