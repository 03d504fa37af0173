import * as z from 'zod';

/** Group, job, log, worker and contender names: they stand in paths, keys and IAM resources as they are. */
export const name = z
  .string()
  .regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$/, 'must match [A-Za-z0-9][A-Za-z0-9._-]{0,127}')
  .meta({ example: 'orders' });

/** Versions fit into the 28 bits that a log's ballot gives them. */
export const fencingVersion = z
  .int()
  .min(1)
  .max(2 ** 28 - 1);

export const sessionId = z.uuid().toLowerCase();

export const instantText = z.iso.datetime();

/** A whole number in a path, query or header: digits only, so that each number has one spelling. */
export function wholeText(min: number, max = Number.MAX_SAFE_INTEGER) {
  return z.coerce
    .string<string | number>()
    .regex(/^(0|[1-9]\d{0,15})$/, 'must be a whole number')
    .meta({ override: { type: 'integer', pattern: undefined, minimum: min, maximum: max } })
    .transform(Number)
    .pipe(z.int().min(min).max(max));
}

export const limit = wholeText(1, 1000)
  .default(100)
  .meta({ override: { default: 100 } });

export const cursor = z.string().min(1).max(1024);

export const pageQuery = z.strictObject({ limit, cursor: cursor.optional() });

export const consistent = z
  .enum(['true', 'false'])
  .default('false')
  .transform((text) => text === 'true');

export function page<Item extends z.ZodType>(item: Item) {
  return z.object({ items: z.array(item), nextCursor: z.string().optional() });
}

export const nothing = z.strictObject({});

/** JSON kept as its text in an item; what is not JSON is an issue, as `catch` wants it. */
export const jsonText = z.string().transform((text, context): unknown => {
  try {
    return JSON.parse(text);
  } catch {
    context.addIssue({ code: 'custom', message: 'is not JSON' });
    return z.NEVER;
  }
});
