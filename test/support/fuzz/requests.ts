/**
 * Requests to an operation of the catalogue: right ones, and ones with a trick in the path, the query, a header or the
 * body.
 */
import fc from 'fast-check';
import type * as z from 'zod/mini';
import type { Operation } from '../../../api/operation.ts';
import { hostileValue, spoiled, validValue } from './values.ts';

export interface FuzzedRequest {
  readonly method: string;
  /** As it goes over the wire, escaped or not. */
  readonly path: string;
  readonly headers: Record<string, string | string[]>;
  readonly body?: Uint8Array | undefined;
  /** The parts that a trick was played on. */
  readonly tricks: readonly string[];
}

/** Existing things: values of path parameters and headers by their names. */
export type Known = Readonly<Record<string, string>>;

type Trick = 'none' | 'path' | 'query' | 'headers' | 'body';

export function requestsTo(operation: Operation, known: Known): fc.Arbitrary<FuzzedRequest> {
  const tricks: Trick[] = ['none', 'none', 'path', 'query', 'headers', 'body', 'body', 'body'];
  return fc.constantFrom(...tricks).chain((trick) =>
    fc
      .record({
        path: pathOf(operation, known, trick === 'path'),
        query: queryOf(operation, trick === 'query'),
        headers: headersOf(operation, known, trick === 'headers'),
        body: bodyOf(operation, trick === 'body'),
      })
      .map(({ path, query, headers, body }) => ({
        method: operation.method,
        path: `${path}${query}`,
        headers: { ...headers, ...(body ? { 'content-type': 'application/json' } : {}) },
        body,
        tricks: trick === 'none' ? [] : [trick],
      })),
  );
}

const trickySegment = fc.oneof(
  fc.constantFrom(
    ...[
      '',
      '.',
      '..',
      '%2e%2e',
      '..%2f..%2fother',
      '..%5c..%5cother',
      '%5c',
      '%2f',
      '%00',
      '%0a',
      '%09',
      '%20',
      '%3f',
      '%23',
    ],
    ...[
      '%252e%252e',
      '%25',
      '%',
      '%zz',
      '%ff',
      '%c3%28',
      '%f0%9f%92%a5',
      '__proto__',
      'constructor',
      '*',
      '-a',
      '.a',
      '~',
    ],
    ...[
      'a'.repeat(129),
      'a'.repeat(3_000),
      "a'b",
      'a"b',
      'a{b}',
      'a;b=c',
      'a:b',
      'a@b',
      'a,b',
      'a+b',
      'GROUP#a',
      'a%23b',
    ],
  ),
  fc.string({ unit: 'binary', minLength: 1, maxLength: 20 }).filter(isWellFormed).map(encodeURIComponent),
);

function isWellFormed(text: string): boolean {
  return Buffer.from(text, 'utf8').toString('utf8') === text;
}

/** With a trick, one of the names is tricky; now and then a segment is put in or taken away. */
function pathOf({ path, params }: Operation, known: Known, tricky: boolean): fc.Arbitrary<string> {
  const right = validValue(params).map((values) =>
    path.split('/').map((part) => {
      const name = /^\{(\w+)\}$/.exec(part)?.[1];
      return name ? (known[name] ?? String((values as Record<string, unknown>)[name])) : part;
    }),
  );
  if (!tricky) return right.map((parts) => parts.join('/'));
  const names = path.split('/').flatMap((part, at) => (part.startsWith('{') ? [at] : []));
  const places = names.length > 0 ? names : [path.split('/').length - 1];
  return fc
    .tuple(
      right,
      fc.constantFrom(...places),
      trickySegment,
      fc.constantFrom('replace', 'replace', 'insert', 'end', 'twice'),
    )
    .map(([parts, at, segment, how]) => {
      if (how === 'replace') return parts.with(at, segment).join('/');
      if (how === 'insert') return parts.toSpliced(at, 0, segment).join('/');
      return how === 'end' ? `${parts.join('/')}/` : `/${parts.join('//')}`;
    })
    .map((text) => (text.startsWith('/') ? text : `/${text}`));
}

function queryOf({ query }: Operation, tricky: boolean): fc.Arbitrary<string> {
  const right = validValue(query);
  const values = tricky ? right.chain(spoiled) : right;
  const written = values.map((value) => {
    const pairs = Object.entries(typeof value === 'object' && value !== null ? value : { value });
    const parameters = pairs.map(
      ([key, inner]) => `${escaped(key)}=${escaped(typeof inner === 'string' ? inner : JSON.stringify(inner))}`,
    );
    return parameters.length > 0 ? `?${parameters.join('&').slice(0, 4_000)}` : '';
  });
  if (!tricky) return written;
  const raw = fc.constantFrom(
    '?',
    '?&',
    '?=',
    '?limit=1&limit=2',
    '?%',
    '?cursor=%ff',
    '?__proto__=1',
    '?a[b]=c',
    '?cursor=e30',
  );
  return fc.oneof(written, raw);
}

function escaped(text: string): string {
  return isWellFormed(text) ? encodeURIComponent(text) : '%ed%a0%80';
}

const visible = /^[\x20-\x7e\x80-\xff]*$/;
const trickyHeader = fc.oneof(
  fc.constantFrom(
    ...[
      '',
      ' ',
      '0',
      '-1',
      '1.5',
      '1e3',
      '0x1',
      'NaN',
      '00000001',
      '268435456',
      '9'.repeat(30),
      '1, 1',
      'null',
      '[object Object]',
    ],
    ...[
      'a'.repeat(65),
      'a'.repeat(2_000),
      '\xe4',
      '00000000-0000-0000-0000-000000000000',
      '__proto__',
      '../..',
      '"',
      '%00',
    ],
  ),
  hostileValue.map((value) => JSON.stringify(value)).filter((text) => visible.test(text) && text.length < 2_000),
);

function headersOf(
  { fence, headers = {}, method }: Operation,
  known: Known,
  tricky: boolean,
): fc.Arbitrary<Record<string, string | string[]>> {
  const fenced = fence ? ['Fencing-Version', 'Leader-Session'] : [];
  const own = Object.entries(headers).map(([name, schema]) => [name, validValue(schema as z.ZodMiniType)] as const);
  const right = fc.record({
    ...Object.fromEntries(fenced.map((name) => [name, fc.constant(known[name] ?? '1')])),
    ...Object.fromEntries(own.map(([name, value]) => [name, known[name] ? fc.constant(known[name]) : value])),
    ...(method === 'GET' ? {} : { 'Idempotency-Key': fc.uuid() }),
  }) as fc.Arbitrary<Record<string, string>>;
  if (!tricky) return right;
  const names = [...fenced, ...Object.keys(headers), 'Idempotency-Key', 'Content-Type', 'X-Forwarded-For', 'Cookie'];
  return fc
    .tuple(right, fc.constantFrom(...names), trickyHeader, fc.constantFrom('replace', 'replace', 'remove', 'twice'))
    .map(([values, name, text, how]): Record<string, string | string[]> => {
      const { [name]: before = '1', ...others } = values;
      if (how === 'remove') return others;
      return { ...others, [name]: how === 'twice' ? [before, text] : text };
    });
}

const notJson = fc.oneof(
  fc
    .constantFrom('{', '[]', 'null', '"x"', '{}{}', '{"a":NaN}', "{'a':1}", '{"a":1,}', '[1', 'undefined', ' ', '\0')
    .map((text) => Buffer.from(text)),
  fc.uint8Array({ minLength: 1, maxLength: 64 }),
);

function bodyOf({ body, method }: Operation, tricky: boolean): fc.Arbitrary<Uint8Array | undefined> {
  if (method === 'GET') return tricky ? notJson : fc.constant(undefined);
  const right = validValue(body);
  const written = (values: fc.Arbitrary<unknown>) => values.map((value) => Buffer.from(JSON.stringify(value)));
  if (!tricky) return written(right);
  return fc.oneof({ weight: 5, arbitrary: written(right.chain(spoiled)) }, { weight: 1, arbitrary: notJson });
}
