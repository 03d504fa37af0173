import * as z from 'zod/mini';
import { operation } from '../operation.ts';
import { unavailable } from '../problem.ts';
import { json, nothing } from '../schema.ts';

export const health = operation({
  method: 'GET',
  path: '/v1/health',
  summary: 'Whether the stores are reached, and the version',
  servedBy: 'operate',
  callers: [],
  params: nothing,
  query: nothing,
  body: nothing,
  answer: z.object({
    status: z.literal('ok'),
    version: z.string(),
    stores: z.object({ dynamodb: z.literal('reached'), s3: z.literal('reached') }),
    /** The server's clock, so that a caller can measure its skew. */
    now: z.iso.datetime(),
  }),
  problems: [unavailable],
});

export const openapi = operation({
  method: 'GET',
  path: '/v1/openapi.json',
  summary: 'This API as OpenAPI 3.1',
  servedBy: 'operate',
  callers: [],
  params: nothing,
  query: nothing,
  body: nothing,
  answer: z.record(z.string(), json),
  problems: [],
});

export const operationsOperations = { health, openapi };
