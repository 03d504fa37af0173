import { randomUUID } from 'node:crypto';
import type { Context } from 'aws-lambda';
import type { Endpoint } from '../../../functions/platform/http.ts';
import { serve } from '../../../functions/platform/http.ts';
import { lambdaHandler } from '../../../functions/platform/lambda.ts';
import { logger } from '../../../functions/platform/logging.ts';
import { quietly } from '../quietly.ts';

export interface Call {
  method: string;
  path: string;
  headers?: Record<string, string>;
  body?: unknown;
}

// biome-ignore lint/suspicious/noExplicitAny: benches look into answers of every operation
export type Answered = { status: number; body: any; tookMs: number };

export type Invoke = (call: Call) => Promise<Answered>;

/**
 * The handler of a function that serves these, called as Lambda calls it; its log lines are written, though not shown.
 */
export function handlerOf(endpoints: readonly Endpoint[]): Invoke {
  const handler = lambdaHandler(serve(endpoints));
  logger.setLogLevel('INFO');
  return async ({ method, path, headers = {}, body }) => {
    const event = {
      version: '2.0',
      routeKey: `${method} ${path}`,
      rawPath: path,
      rawQueryString: '',
      headers: { 'content-type': 'application/json', 'idempotency-key': randomUUID(), ...headers },
      requestContext: { http: { method, path, sourceIp: '127.0.0.1' }, requestId: randomUUID() },
      body: body === undefined ? null : JSON.stringify(body),
      isBase64Encoded: false,
    } as unknown as Parameters<typeof handler>[0];
    const context = { awsRequestId: randomUUID(), getRemainingTimeInMillis: () => 29_000 } as unknown as Context;
    return quietly(async () => {
      const startedAt = performance.now();
      const answer = (await handler(event, context)) as { statusCode: number; body: string };
      const tookMs = performance.now() - startedAt;
      return { status: answer.statusCode, body: JSON.parse(answer.body), tookMs };
    });
  };
}

/** The headers by which a leader is known. */
export function fenced({ fencingVersion, sessionId }: { fencingVersion: number; sessionId: string }) {
  return { 'fencing-version': String(fencingVersion), 'leader-session': sessionId };
}
