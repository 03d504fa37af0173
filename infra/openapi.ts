/** The API's OpenAPI document, made from the same schemas that the handlers validate with. */

import type * as z from 'zod';
import { createDocument, type ZodOpenApiOperationObject, type ZodOpenApiPathsObject } from 'zod-openapi';
import { subjects } from '../api/catalogue.ts';
import type { Operation } from '../api/operation.ts';
import { fenceRequired, idempotencyKeyReused, type ProblemKind, platformProblems } from '../api/problem.ts';
import packageJson from '../package.json' with { type: 'json' };
import { asGeneratorsNeed, gatewayAnswer, headersOf, named, problem, requestBodyOf } from './openapi-schemas.ts';

/** API Gateway's own answers, before any function runs or when one fails to answer. */
const gatewayAnswers: Record<number, string> = {
  403: 'The signature or the policy does not allow it',
  413: 'The request has more than 6 MB',
  429: 'Throttled',
  431: 'The headers have more than 10 KB',
  500: 'The function failed',
  503: 'The function did not answer in time, or too many run',
  504: 'No answer came within 30 s',
};

function gatewayContent(status: number) {
  return status in gatewayAnswers ? { 'application/json': { schema: gatewayAnswer } } : {};
}

const gatewayResponses = Object.entries(gatewayAnswers).map(
  ([status, description]) =>
    [status, { id: `Gateway${status}`, description, content: gatewayContent(Number(status)) }] as const,
);

/** The problems that this operation can answer. */
function problemsOf({ method, fence, problems }: Operation): ProblemKind[] {
  const never = [...(fence ? [] : [fenceRequired]), ...(method === 'GET' ? [idempotencyKeyReused] : [])];
  return [...platformProblems, ...problems].filter((kind) => !never.includes(kind));
}

function describe(name: string, operation: Operation, tag: string): ZodOpenApiOperationObject {
  const problems = problemsOf(operation);
  const statuses = [...new Set(problems.map(({ status }) => status))].sort();
  const successes = [operation.status ?? 200, ...(operation.otherStatuses ?? [])];
  const answer = named(operation.answer, name, 'Result');
  const success = { description: 'Success', content: { 'application/json': { schema: answer } } };
  const answered = (status: number) =>
    problems.filter((kind) => kind.status === status).map(({ code, title }) => `\`${code}\`: ${title}`);
  return {
    operationId: name,
    summary: operation.summary,
    tags: [tag],
    requestParams: {
      path: operation.params as z.ZodObject,
      query: operation.query as z.ZodObject,
      header: headersOf(operation),
    },
    ...requestBodyOf(name, operation),
    responses: {
      ...Object.fromEntries(successes.map((status) => [`${status}`, success])),
      ...Object.fromEntries(
        statuses.map((status) => [
          `${status}`,
          {
            description: [...new Set(answered(status))].join('; '),
            content: { 'application/problem+json': { schema: problem }, ...gatewayContent(status) },
          },
        ]),
      ),
      ...Object.fromEntries(gatewayResponses.filter(([status]) => !statuses.includes(Number(status)))),
    },
  };
}

function paths(): ZodOpenApiPathsObject {
  const made: Record<string, Record<string, ZodOpenApiOperationObject>> = {};
  for (const { name: tag, operations } of subjects) {
    for (const [name, operation] of Object.entries(operations)) {
      const method = operation.method.toLowerCase();
      made[operation.path] = { ...made[operation.path], [method]: describe(name, operation, tag) };
    }
  }
  return made;
}

const servers = [
  {
    url: 'https://{api}.execute-api.{region}.amazonaws.com',
    description: 'A deployed stack: its output ApiUrl. Requests are signed with SigV4, for the service execute-api',
    variables: { api: { default: 'abcdefghij' }, region: { default: 'eu-west-1' } },
  },
  { url: 'http://127.0.0.1:8787', description: 'The embedded stack (npm start), which needs no signature' },
];

/** The OpenAPI 3.1 document of the API. */
export function openApiDocument(): string {
  const { version, description, license } = packageJson;
  const sigv4 = {
    type: 'apiKey',
    name: 'Authorization',
    in: 'header',
    description: 'AWS Signature Version 4, service execute-api',
    'x-amazon-apigateway-authtype': 'awsSigv4',
  } as const;
  const document = createDocument(
    {
      openapi: '3.1.0',
      info: { title: 'Tenure', version, description, license: { name: license, identifier: license } },
      servers,
      security: [{ sigv4: [] }],
      tags: subjects.map(({ name, description }) => ({ name, description })),
      components: { securitySchemes: { sigv4 } },
      paths: paths(),
    },
    asGeneratorsNeed,
  );
  return `${JSON.stringify(document, null, 2)}\n`;
}
