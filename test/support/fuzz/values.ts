/** Values for a schema of the catalogue, and what a hostile caller sends instead. */
import fc from 'fast-check';
import * as z from 'zod/mini';

type Json = string | number | boolean | null | Json[] | { [key: string]: Json };
type Schema = { [keyword: string]: unknown } & {
  $ref?: string;
  anyOf?: Schema[];
  oneOf?: Schema[];
  properties?: Record<string, Schema>;
  required?: string[];
  items?: Schema;
  additionalProperties?: Schema | boolean;
  propertyNames?: Schema;
};

/** Values that a caller could send, as far as JSON Schema says: rules beyond it are broken now and then. */
export function validValue(schema: z.ZodMiniType): fc.Arbitrary<Json> {
  return arbitraryOf(z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' }) as Schema);
}

function arbitraryOf(schema: Schema): fc.Arbitrary<Json> {
  const { override, anyOf, oneOf } = schema;
  if (override) return arbitraryOf(override as Schema);
  if (anyOf ?? oneOf) return fc.oneof(...(anyOf ?? oneOf ?? []).map(arbitraryOf));
  if ('const' in schema) return fc.constant(schema['const'] as Json);
  if ('enum' in schema) return fc.constantFrom(...(schema['enum'] as Json[]));
  switch (schema['type']) {
    case 'object':
      return objectOf(schema);
    case 'array':
      return fc.array(arbitraryOf(schema.items ?? {}), {
        minLength: Number(schema['minItems'] ?? 0),
        maxLength: Math.max(3, Number(schema['minItems'] ?? 0)),
      });
    case 'boolean':
      return fc.boolean();
    case 'integer':
      return fc.integer({ min: Number(schema['minimum'] ?? 0), max: Number(schema['maximum'] ?? 1_000) });
    case 'string':
      return textOf(schema);
    default:
      return fc.jsonValue({ maxDepth: 2 }) as fc.Arbitrary<Json>;
  }
}

function objectOf({ properties = {}, required = [], additionalProperties, propertyNames }: Schema): fc.Arbitrary<Json> {
  const known = Object.fromEntries(Object.entries(properties).map(([key, value]) => [key, arbitraryOf(value)]));
  if (Object.keys(known).length > 0)
    return fc.record(known, { requiredKeys: required.filter((key) => key in known) }) as fc.Arbitrary<Json>;
  if (typeof additionalProperties !== 'object') return fc.constant({});
  const keys = propertyNames ? arbitraryOf(propertyNames) : fc.string({ maxLength: 8 });
  return fc.dictionary(keys as fc.Arbitrary<string>, arbitraryOf(additionalProperties), { maxKeys: 2 });
}

function textOf(schema: Schema): fc.Arbitrary<string> {
  if (schema['format'] === 'uuid') return fc.uuid();
  if (schema['format'] === 'base64')
    return fc.uint8Array({ maxLength: 40 }).map((bytes) => Buffer.from(bytes).toString('base64'));
  if (typeof schema['pattern'] === 'string') return fc.stringMatching(new RegExp(schema['pattern'], 'u'));
  return fc.string({ minLength: Number(schema['minLength'] ?? 0), maxLength: 20 });
}

const nested = (depth: number) => JSON.parse(`${'['.repeat(depth)}${']'.repeat(depth)}`) as Json;

/** Wrong types, edges of numbers, names that objects have of their own, text that other layers read otherwise. */
export const hostileValue: fc.Arbitrary<Json> = fc.oneof(
  fc.constantFrom<Json[]>(
    ...[
      null,
      true,
      0,
      -1,
      1.5,
      -0,
      1e308,
      2 ** 53,
      2 ** 31,
      [],
      {},
      '',
      ' ',
      'NaN',
      '1e3',
      '0x1',
      '__proto__',
      'constructor',
    ],
    ...[
      '../..',
      '..\\..',
      '%2e%2e%2f',
      'a/b',
      'a\0b',
      'a\nb',
      '\u202e',
      '\ud800',
      '€',
      '💥',
      '{{7*7}}',
      "' OR 1=1 --",
      '#sk',
    ],
    ...['a'.repeat(129), 'a'.repeat(5_000), 'é'.repeat(300), 'x'.repeat(70_000), nested(400), Array(200).fill(0)],
    ...[
      JSON.parse('{"__proto__":{"a":1}}'),
      { toString: 1 },
      { $ref: '#' },
      { S: 'x' },
      { a: { a: { a: { a: {} } } } },
    ],
  ),
  fc.jsonValue() as fc.Arbitrary<Json>,
  fc.string({ unit: 'binary', maxLength: 200 }),
  fc.double(),
);

/** The value with one place in it replaced, removed, or given a field that nobody knows. */
export function spoiled(value: Json): fc.Arbitrary<Json> {
  const places = placesIn(value);
  return fc
    .tuple(fc.constantFrom(...places), fc.constantFrom('replace', 'replace', 'remove', 'add'), hostileValue)
    .map(([place, how, hostile]) => changed(value, place, how, hostile));
}

function placesIn(value: Json, at: string[] = []): string[][] {
  if (typeof value !== 'object' || value === null) return [at];
  return [at, ...Object.entries(value).flatMap(([key, inner]) => placesIn(inner, [...at, key]))];
}

function changed(value: Json, [key, ...rest]: string[], how: string, hostile: Json): Json {
  if (key === undefined) {
    const open = typeof value === 'object' && value !== null && !Array.isArray(value);
    return how === 'add' && open ? { ...value, unheardOf: hostile } : hostile;
  }
  const copy = (Array.isArray(value) ? [...value] : { ...(value as object) }) as Record<string, Json>;
  if (rest.length === 0 && how === 'remove') delete copy[key];
  else copy[key] = changed(copy[key] ?? null, rest, how, hostile);
  return Array.isArray(value) ? Object.values(copy) : copy;
}
