/** Needs of client generators in docs/openapi.json, beyond validity. */
import { createConfig, lint } from '@redocly/openapi-core';
import { expect, test } from 'vitest';
import { catalogue } from '../../../api/catalogue.ts';
import type { Operation } from '../../../api/operation.ts';
import { openApiDocument } from '../../../infra/openapi.ts';
import { project } from '../../support/stack.ts';

type Json = Record<string, unknown>;
interface Described extends Json {
  readonly operationId: string;
  readonly tags: string[];
  readonly parameters?: { readonly name: string; readonly schema: Json }[];
  readonly requestBody?: { readonly required: boolean };
  readonly responses: Record<string, Json>;
}

const document = JSON.parse(openApiDocument()) as Json & {
  readonly paths: Record<string, Record<string, Described>>;
  readonly components: { readonly schemas: Record<string, Json>; readonly securitySchemes: Record<string, Json> };
};
const operations = Object.values(document.paths).flatMap((methods) => Object.values(methods));
const byName = new Map(operations.map((one) => [one.operationId, one]));
const declared = Object.entries<Operation>(catalogue);

/** Every object in the document with the path to it. */
function* objects(value: unknown, at = ''): Generator<[string, Json]> {
  if (typeof value !== 'object' || value === null) return;
  if (!Array.isArray(value)) yield [at, value as Json];
  for (const [key, member] of Object.entries(value)) yield* objects(member, `${at}/${key}`);
}

test('redocly finds nothing in it by its recommended rules', async () => {
  const config = await createConfig({ extends: ['recommended'] });
  const problems = await lint({ ref: `${project}/docs/openapi.json`, config });
  expect(problems.map(({ ruleId, message }) => `${ruleId}: ${message}`)).toEqual([]);
});

test('each component has a name that says what it is, and none refers to itself', () => {
  const { schemas } = document.components;
  expect(Object.keys(schemas).filter((name) => !/^[A-Z][A-Za-z]+$/.test(name))).toEqual([]);
  const refers = (name: string, seen: readonly string[] = []): boolean =>
    [...JSON.stringify(schemas[name]).matchAll(/schemas\/(\w+)"/g)].some(
      ([, other = '']) => seen.includes(other) || refers(other, [...seen, other]),
    );
  expect(Object.keys(schemas).filter((name) => refers(name, [name]))).toEqual([]);
});

test('every integer has 64 bits', () => {
  const integers = [...objects(document)].filter(([, { type }]) => type === 'integer');
  expect(integers.length).toBeGreaterThan(150);
  expect(integers.filter(([, { format }]) => format !== 'int64').map(([at]) => at)).toEqual([]);
});

test('answers may get members that an older client does not know, requests may not', () => {
  const closed = [...objects(document)].filter(([, schema]) => schema['additionalProperties'] === false);
  const refused = closed.filter(([at]) => !/schemas\/\w+Request|requestBody/.test(at)).map(([at]) => at);
  expect(refused).toEqual([]);
  expect(closed.length).toBeGreaterThan(20);
});

test.each(declared)('%s has a body, a fence and a success exactly as declared', (name, operation) => {
  const described = byName.get(name);
  const empty = operation.body.safeParse({}).success;
  if (operation.method === 'GET') expect(described?.requestBody).toBeUndefined();
  else expect(described?.requestBody?.required ?? false).toBe(!empty);
  const statuses = Object.keys(described?.responses ?? {});
  expect(statuses).toContain('413');
  expect(statuses).toContain('429');
  expect(statuses).toContain('504');
  expect(statuses.includes('428')).toBe(operation.fence !== undefined);
  const successes = [operation.status ?? 200, ...(operation.otherStatuses ?? [])].map(String);
  expect(statuses.filter((status) => status < '300')).toEqual(successes.toSorted());
});

test('headers have their limits', () => {
  const parameters = byName.get('confirm')?.parameters ?? [];
  const schema = (name: string) => parameters.find((one) => one.name === name)?.schema;
  expect(schema('Fencing-Version')).toEqual({ type: 'integer', format: 'int64', minimum: 1, maximum: 2 ** 28 - 1 });
  expect(schema('Idempotency-Key')).toEqual({ type: 'string', pattern: '^[\\x21-\\x7e]{1,64}$' });
});

test('it says where the API is, how requests are signed, and under which licence', () => {
  expect(document.components.securitySchemes['sigv4']).toMatchObject({ 'x-amazon-apigateway-authtype': 'awsSigv4' });
  expect(document['servers']).toMatchObject([
    { url: expect.stringContaining('execute-api') },
    { url: expect.any(String) },
  ]);
  expect(document['info']).toMatchObject({ license: { identifier: 'Apache-2.0' } });
  const tags = (document['tags'] as { name: string }[]).map(({ name }) => name);
  expect(operations.filter((one) => !tags.includes(one.tags[0] ?? ''))).toEqual([]);
});
