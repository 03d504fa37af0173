import * as z from 'zod/mini';
import { maxVersion } from './ballot.ts';
import './messages.ts';

/** Group, job, log, worker and contender names: they stand in paths, keys and IAM resources as they are. */
export const name = z
  .string()
  .check(z.regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$/, 'must match [A-Za-z0-9][A-Za-z0-9._-]{0,127}'))
  .register(z.globalRegistry, { example: 'orders' });

/** Versions fit into the 28 bits that a log's ballot gives them. */
export const fencingVersion = z.int().check(z.minimum(1), z.maximum(maxVersion));

/**
 * A UUID that travels in a header. The API's document shows it as text: generated Python hands a UUID, which is none,
 * to its HTTP library.
 */
export function headerUuid() {
  return z
    .uuid()
    .check(z.toLowerCase())
    .register(z.globalRegistry, { override: { format: undefined } });
}

export const sessionId = headerUuid();

/** Why a term was ended, for people: `endDetail` of the term. */
export const reason = z.string().check(z.minLength(1), z.maxLength(128));

export const instantText = z.iso.datetime();

/** A whole number in a path, query or header: digits only, so that each number has one spelling. */
export function wholeText(min: number, max = Number.MAX_SAFE_INTEGER) {
  const text = z.coerce.string<string | number>().check(z.regex(/^(0|[1-9]\d{0,15})$/, 'must be a whole number'));
  text.register(z.globalRegistry, { override: { type: 'integer', pattern: undefined, minimum: min, maximum: max } });
  return z.pipe(z.pipe(text, z.transform(Number)), z.int().check(z.minimum(min), z.maximum(max)));
}

export const limit = z._default(wholeText(1, 1000), 100).register(z.globalRegistry, { override: { default: 100 } });

export const cursor = z.string().check(z.minLength(1), z.maxLength(1024));

export const pageQuery = z.strictObject({ limit, cursor: z.optional(cursor) });

const asBoolean = { type: 'boolean', enum: undefined, default: false };

/** A yes or no in a query; no unless given. */
export const flag = z.pipe(
  z._default(z.enum(['true', 'false']), 'false').register(z.globalRegistry, { override: asBoolean }),
  z.transform((text) => text === 'true'),
);

export function page<Item extends z.ZodMiniType>(item: Item) {
  return z.object({ items: z.array(item), nextCursor: z.optional(z.string()) });
}

export const nothing = z.strictObject({});

/** The answer of what has nothing to report; like every answer it may get members that older clients ignore. */
export const done = z.object({});

const anyJson = z.json();
/** Any JSON value: one schema without a type in the API's document, where generators stumble over recursive ones. */
export const json = z
  .custom<z.output<typeof anyJson>>((value) => anyJson.safeParse(value).success, 'must be JSON')
  .register(z.globalRegistry, { description: 'Any JSON value' });

/** JSON kept as its text in an item; what is not JSON is an issue, as `catch` wants it. */
export const jsonText = z.pipe(
  z.string(),
  z.transform((text, context): unknown => {
    try {
      return JSON.parse(text);
    } catch {
      context.issues.push({ code: 'custom', message: 'is not JSON', input: text });
      return z.NEVER;
    }
  }),
);
