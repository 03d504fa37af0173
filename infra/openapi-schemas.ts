/** How the schemas of the API are written into its OpenAPI document. */
import * as z from 'zod';
import type { CreateDocumentOptions } from 'zod-openapi';
import { fenceHeaders, idempotencyKey } from '../api/fence.ts';
import type { Operation } from '../api/operation.ts';

export const problem = z
  .looseObject({
    type: z.string().describe('urn:tenure: and the code'),
    title: z.string(),
    status: z.int(),
    detail: z.string().describe('Names the thing, both values and the next step'),
    code: z.string().describe('For programs to decide by; docs/problems.md lists them all'),
    retryable: z.boolean().describe('Whether the very same request can succeed later'),
    retryAfterMs: z.int().optional(),
    issues: z
      .array(z.object({ path: z.string(), message: z.string() }))
      .optional()
      .describe('With invalid_request: what is wrong where'),
  })
  .meta({ id: 'Problem', description: 'RFC 9457 problem; further members depend on the code' });

/** An error of API Gateway itself. */
export const gatewayAnswer = z.object({ message: z.string() }).meta({ id: 'GatewayAnswer' });

/** The headers that a request has besides those of HTTP and of its signature. */
export function headersOf({ method, fence, headers: own = {} }: Operation) {
  const { shape } = fenceHeaders;
  const fenced = { none: {}, required: shape, optional: z.object(shape).partial().shape }[fence ?? 'none'];
  const writing = method === 'GET' ? {} : { 'Idempotency-Key': z.optional(idempotencyKey) };
  return z.object({ ...fenced, ...own, ...writing });
}

/** Its body, unless it has none; it can be left out where `{}` would do. */
export function requestBodyOf(name: string, { method, body }: Operation) {
  const shape = body instanceof z.core.$ZodObject ? body._zod.def.shape : undefined;
  if (method === 'GET' || (shape && Object.keys(shape).length === 0)) return {};
  const required = !body.safeParse({}).success;
  return { requestBody: { required, content: { 'application/json': { schema: named(body, name, 'Request') } } } };
}

/** A component of the document, so that generated code has a name for it. */
export function named(schema: z.core.$ZodType, operation: string, kind: 'Request' | 'Result') {
  const { id, ...meta } = z.globalRegistry.get(schema) ?? {};
  if (id === undefined) {
    const name = `${operation.charAt(0).toUpperCase()}${operation.slice(1)}${kind}`;
    z.globalRegistry.add(schema, { ...meta, id: name });
  }
  return schema;
}

/**
 * Adapts schemas to generators of other languages: 64 bits for every integer (Java's default overflows at 2 GiB), and
 * answers that may get members which an older client does not know.
 */
export const asGeneratorsNeed: CreateDocumentOptions = {
  allowEmptySchema: { custom: true },
  override: ({ jsonSchema, io }) => {
    if (jsonSchema.type === 'integer') jsonSchema.format = 'int64';
    if (io === 'output' && jsonSchema.additionalProperties === false) delete jsonSchema.additionalProperties;
  },
};
