/**
 * The fence of an HTTP service.
 *
 * Guarantee: after a request of version n was let in, no request of a lower version is. The check stands at the
 * entrance: a request of an older version that was let in *before* may still be running. A service that writes to a
 * store of its own passes the version on and guards that store, too.
 */

import { maxVersion } from '../../api/ballot.ts';
import { FencedError, type FencingTerm, versionOf } from './fence.ts';
import type { FenceStore } from './fence-store.ts';

export interface GuardOptions {
  readonly store: FenceStore;
  /** The guarded thing: one name for all requests, or one for each by its URL. */
  readonly name: string | ((url: string) => string);
  /**
   * Whether a request without the header is refused (428).
   * @defaultValue true
   */
  readonly required?: boolean;
}

/** A refusal as an RFC 9457 problem. */
export interface Refusal {
  readonly status: 400 | 409 | 428;
  readonly problem: Readonly<Record<string, unknown>>;
}

export type Guard = (header: string | null | undefined, url: string) => Promise<Refusal | undefined>;

const header = 'fencing-version';

/**
 * The check of all middlewares: the `Fencing-Version` header and the URL of a request in, the refusal or undefined out.
 *
 * @example
 * ```ts
 * import { fenceGuard, memoryFenceStore } from 'tenure/fence';
 *
 * const guard = fenceGuard({ store: memoryFenceStore(), name: 'orders' });
 * const refused = await guard('7', '/orders/run');
 * if (refused) console.log(refused.status, refused.problem);
 * ```
 */
export function fenceGuard({ store, name, required = true }: GuardOptions): Guard {
  return async (value, url) => {
    if (value === undefined || value === null) {
      return required
        ? refusal(428, 'fence_required', 'The header Fencing-Version is missing; send the version of the term')
        : undefined;
    }
    const yours = /^[1-9]\d{0,8}$/.test(value) ? Number(value) : Number.NaN;
    if (!(yours <= maxVersion)) {
      return refusal(400, 'invalid_request', 'Fencing-Version must be a whole number from 1 to 268435455');
    }
    const guarded = typeof name === 'string' ? name : name(url);
    const current = await store.raise(guarded, yours);
    if (current <= yours) return undefined;
    return refusal(409, 'fenced', new FencedError(guarded, yours, current).message, { yours, current });
  };
}

function refusal(status: Refusal['status'], code: string, detail: string, members: object = {}): Refusal {
  return { status, problem: { type: `urn:tenure:${code}`, status, code, detail, retryable: false, ...members } };
}

const problemType = 'application/problem+json';

/**
 * For handlers of `Request` and `Response`: the refusal as a response, or undefined when the request may proceed.
 *
 * @example
 * ```ts
 * import { fetchFence, memoryFenceStore } from 'tenure/fence';
 *
 * const refuse = fetchFence({ store: memoryFenceStore(), name: 'orders' });
 * const handler = async (request: Request) => (await refuse(request)) ?? new Response('done');
 * ```
 */
export function fetchFence(options: GuardOptions): (request: Request) => Promise<Response | undefined> {
  const guard = fenceGuard(options);
  return async (request) => {
    const refused = await guard(request.headers.get(header), request.url);
    return refused && responseOf(refused);
  };
}

function responseOf({ status, problem }: Refusal): Response {
  return new Response(JSON.stringify(problem), { status, headers: { 'content-type': problemType } });
}

interface HonoContext {
  readonly req: { readonly url: string; header(name: string): string | undefined };
}

/**
 * Middleware for Hono.
 *
 * @example
 * ```ts
 * import { Hono } from 'hono';
 * import { honoFence, memoryFenceStore } from 'tenure/fence';
 *
 * const app = new Hono();
 * app.use('/orders/*', honoFence({ store: memoryFenceStore(), name: 'orders' }));
 * ```
 */
export function honoFence(options: GuardOptions) {
  const guard = fenceGuard(options);
  return async (context: HonoContext, next: () => Promise<void>): Promise<Response | undefined> => {
    const refused = await guard(context.req.header(header), context.req.url);
    if (refused) return responseOf(refused);
    await next();
    return undefined;
  };
}

interface NodeRequest {
  readonly url?: string | undefined;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
}

interface NodeResponse {
  statusCode: number;
  setHeader(name: string, value: string): unknown;
  end(body: string): unknown;
}

/** A header that was sent twice is no version. */
const headerOf = ({ headers }: NodeRequest) => {
  const value = headers[header];
  return Array.isArray(value) ? value.join(', ') : value;
};

/**
 * Middleware for Express and Connect.
 *
 * @example
 * ```ts
 * import express from 'express';
 * import { expressFence, memoryFenceStore } from 'tenure/fence';
 *
 * const app = express();
 * app.use('/orders', expressFence({ store: memoryFenceStore(), name: 'orders' }));
 * ```
 */
export function expressFence(options: GuardOptions) {
  const guard = fenceGuard(options);
  return (request: NodeRequest, response: NodeResponse, next: (error?: unknown) => void): void => {
    guard(headerOf(request), request.url ?? '/').then((refused) => {
      if (!refused) return next();
      response.statusCode = refused.status;
      response.setHeader('content-type', problemType);
      response.end(JSON.stringify(refused.problem));
    }, next);
  };
}

interface FastifyReply {
  code(status: number): FastifyReply;
  header(name: string, value: string): FastifyReply;
  send(body: string): unknown;
}

/**
 * An `onRequest` hook for Fastify.
 *
 * @example
 * ```ts
 * import Fastify from 'fastify';
 * import { fastifyFence, memoryFenceStore } from 'tenure/fence';
 *
 * const app = Fastify();
 * app.addHook('onRequest', fastifyFence({ store: memoryFenceStore(), name: 'orders' }));
 * ```
 */
export function fastifyFence(options: GuardOptions) {
  const guard = fenceGuard(options);
  return async (request: NodeRequest, reply: FastifyReply): Promise<unknown> => {
    const refused = await guard(headerOf(request), request.url ?? '/');
    if (!refused) return undefined;
    reply.code(refused.status).header('content-type', problemType).send(JSON.stringify(refused.problem));
    return reply;
  };
}

type Fetch = (input: string | URL | Request, init?: RequestInit) => Promise<Response>;

/**
 * The client half: a `fetch` that sends the term's version with every request, and aborts its requests when the term
 * ends.
 *
 * @example
 * ```ts
 * import { fencedFetch } from 'tenure/fence';
 *
 * declare const term: { fencingVersion: number; signal: AbortSignal };
 * const fetch = fencedFetch(term);
 * const response = await fetch('https://billing.example/run', { method: 'POST' });
 * if (response.status === 409) throw new Error('a newer leader has been here');
 * ```
 */
export function fencedFetch(term: FencingTerm & { readonly signal?: AbortSignal }, send: Fetch = fetch): Fetch {
  const version = versionOf(term);
  return (input, init) => {
    const request = new Request(input, init);
    request.headers.set(header, String(version));
    const signals = [request.signal, ...(term.signal ? [term.signal] : [])];
    return send(new Request(request, { signal: AbortSignal.any(signals) }));
  };
}
