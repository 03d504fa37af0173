import type { APIGatewayProxyEventV2, Context as LambdaContext } from 'aws-lambda';
import type { Context } from 'hono';
import { HonoBase } from 'hono/hono-base';
import { TrieRouter } from 'hono/router/trie-router';
import * as z from 'zod/mini';
import type { Fence } from '../../api/fence.ts';
import type { Operation, SuccessStatus } from '../../api/operation.ts';
import { internal, invalidRequest, ProblemError, unavailable } from '../../api/problem.ts';
import { RecentRequests, refuseReusedKey, requestIdOf } from '../../store/idempotency.ts';
import { isUnavailable } from '../../store/store-errors.ts';
import { callerOf } from './caller.ts';
import { invalid, readFence, readIdempotencyKey, refuseEmptyHeaders } from './headers.ts';
import { logger } from './logging.ts';
import { count, countViolations, time } from './metrics.ts';
import { requireSamePath } from './path.ts';
import { tooLate, unroutable } from './refusals.ts';
import { reply } from './reply.ts';
import type { RequestKeys } from './request-keys.ts';

type Bindings = { event?: APIGatewayProxyEventV2; lambdaContext?: LambdaContext };
export type App = HonoBase<{ Bindings: Bindings }>;
type RequestContext = Context<{ Bindings: Bindings }>;

/** A request that passed the operation's schemas. */
export interface Request<Declared extends Operation> {
  readonly params: z.output<Declared['params']>;
  readonly query: z.output<Declared['query']>;
  readonly body: z.output<Declared['body']>;
  readonly fence: Declared['fence'] extends 'required' ? Fence : Fence | undefined;
  readonly headers: { readonly [Name in keyof NonNullable<Declared['headers']>]: string };
  /**
   * Stands for the caller's Idempotency-Key and the content of the request: the same over its retries. See
   * `idempotency.ts`.
   */
  readonly requestId: string;
  /** Whether the caller sent an Idempotency-Key. */
  readonly keyed: boolean;
  /** The ARN of who signed the request; in an unsigned one there is none. */
  readonly caller: string;
  /** Milliseconds that this invocation still has; infinite outside Lambda. */
  remainingMs(): number;
}

/** An answer whose status differs from the declared one. */
export class Answer<Body> {
  constructor(
    readonly status: SuccessStatus,
    readonly body: Body,
  ) {}
}

export interface Endpoint {
  readonly operation: Operation;
  respond(context: RequestContext, memory: Memory): Promise<Response>;
}

/** Where a process notes what it has served. */
interface Memory {
  /** Keys of its last requests. */
  readonly recent: RecentRequests;
  /** Keys of operations that keep theirs. */
  readonly keys: RequestKeys | undefined;
  readonly noted: Noted | undefined;
}

/** How a request ended that passed the operation's schemas. */
export interface Outcome extends Pick<Request<Operation>, 'params' | 'query' | 'body' | 'fence'> {
  readonly operation: Operation;
  readonly answer?: unknown;
  readonly problem?: ProblemError;
}

/** Notes an outcome. The answer waits for the promise, where there is one: it must settle soon and never fail. */
export type Noted = (outcome: Outcome) => Promise<void> | undefined;

/** Binds an operation to the function that carries it out. */
export function endpoint<const Declared extends Operation>(
  operation: Declared,
  act: (request: Request<Declared>) => Promise<z.input<Declared['answer']> | Answer<z.input<Declared['answer']>>>,
): Endpoint {
  const headers = operation.headers && z.object(operation.headers);
  return {
    operation,
    async respond(context, { recent, keys, noted }) {
      const request = await readRequest(operation, headers, context);
      const ended = (how: Pick<Outcome, 'answer' | 'problem'>) => {
        const { params, query, body, fence } = request as Request<Operation>;
        return noted?.({ operation, params, query, body, fence, ...how });
      };
      const memory = { recent, keys: operation.key === undefined ? undefined : keys };
      const answer = await onceByKey(request, memory, context, () => act(request)).catch(async (error: unknown) => {
        if (error instanceof ProblemError) await ended({ problem: error });
        throw error;
      });
      const status = answer instanceof Answer ? answer.status : (operation.status ?? 200);
      const content = answer instanceof Answer ? answer.body : answer;
      await ended({ answer: content });
      return reply(context.env ?? {}, status, content, { 'content-type': 'application/json' });
    },
  };
}

/**
 * Refuses a key that this process, or for operations with `key` any process, has seen with another request. What
 * was refused has written nothing, so that its key may come again with a corrected request; after an unexpected error
 * nobody knows what was written.
 */
async function onceByKey<Result>(
  request: { readonly requestId: string; readonly keyed: boolean },
  { recent, keys }: Omit<Memory, 'noted'>,
  context: RequestContext,
  act: () => Promise<Result>,
): Promise<Result> {
  if (!request.keyed) return act();
  const { requestId } = request;
  const group = context.req.param('group') ?? '';
  const scope = `${group}/`;
  const operation = `${context.req.method} ${context.req.path}`;
  recent.refuseReusedKey(scope, requestId);
  const earlier = await keys?.claim(group, { requestId, operation });
  if (earlier) refuseReusedKey(earlier.requestId, requestId, earlier.operation);
  const remember = () => recent.remember(scope, requestId, operation);
  let result: Result;
  try {
    result = await act();
  } catch (error) {
    const isRefused = error instanceof ProblemError && error.kind.status < 500;
    if (!isRefused) remember();
    else if (!earlier) await keys?.release(group, { requestId, operation });
    throw error;
  }
  remember();
  if (earlier) await keys?.keep(group, { requestId, operation });
  return result;
}

interface Serving {
  /** Operations that other functions serve too: they distinguish an unknown path from a wrong method. */
  readonly known?: readonly Operation[];
  readonly keys?: RequestKeys | undefined;
  readonly noted?: Noted | undefined;
}

/** Makes the HTTP application of one Lambda function. */
export function serve(endpoints: readonly Endpoint[], { known = [], keys, noted }: Serving = {}): App {
  countViolations();
  const app: App = new HonoBase({ strict: true, router: new TrieRouter() });
  const all = [...endpoints.map(({ operation }) => operation), ...known];
  const memory = { recent: new RecentRequests(), keys, noted };
  // No middleware: with one handler to a route, hono calls it as it is.
  const requireAuthorised = (context: RequestContext) => {
    const { event } = context.env ?? {};
    if (event) requireSamePath(event.rawPath, context.req.url);
    // A HEAD would be served as the GET that no caller of it was authorised for.
    if (context.req.method === 'HEAD') throw unroutable(context.req, all);
  };
  for (const { operation, respond } of endpoints) {
    app.on(operation.method, pattern(operation), async (context) => {
      requireAuthorised(context);
      const startedAt = performance.now();
      const response = await withinDeadline(operation, context, respond(context, memory)).catch((error: unknown) =>
        answerProblem(error, context),
      );
      record(operation, context, response.status, performance.now() - startedAt);
      return response;
    });
  }
  app.notFound(async (context) => {
    requireAuthorised(context);
    return answerProblem(unroutable(context.req, all), context);
  });
  app.onError(async (error, context) => answerProblem(error, context));
  return app;
}

/**
 * Time that a response needs to reach the caller before the function's own timeout, after which API Gateway says
 * nothing but 502.
 */
const deadlineMarginMs = 1_500;

/**
 * Throws `unavailable` when the function's time is nearly up, and says what is known. Requests still under way may be
 * carried out: it is conditional, so sending the request again with its Idempotency-Key does no harm.
 */
async function withinDeadline(
  { method }: Operation,
  context: RequestContext,
  answer: Promise<Response>,
): Promise<Response> {
  const remainingMs = context.env?.lambdaContext?.getRemainingTimeInMillis();
  if (remainingMs === undefined) return answer;
  const budgetMs = Math.max(0, remainingMs - deadlineMarginMs);
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(tooLate(method, budgetMs)), budgetMs);
  });
  try {
    return await Promise.race([answer, late]);
  } finally {
    clearTimeout(timer);
  }
}

function pattern({ path }: Operation): string {
  return path.replaceAll(/\{(\w+)\}/g, ':$1');
}

async function readRequest<Declared extends Operation>(
  operation: Declared,
  headerSchema: z.ZodMiniType | undefined,
  context: RequestContext,
): Promise<Request<Declared>> {
  const header = (name: string) => context.req.header(name);
  refuseEmptyHeaders(header);
  const check = <Schema extends z.ZodMiniType>(schema: Schema, value: unknown): z.output<Schema> => {
    const read = unlessTooDeep(() => schema.safeParse(value));
    if (!read.success) throw invalid(read.error);
    return read.data;
  };
  const params = check(operation.params, context.req.param());
  const query = check(operation.query, context.req.query());
  const fence = operation.fence ? readFence(header, operation.fence) : undefined;
  const headers = headerSchema ? check(headerSchema, valuesOf(operation.headers, header)) : {};
  const key = readIdempotencyKey(header);
  const bytes = operation.method === 'GET' ? noBytes : await readBytes(operation, context);
  const body = check(operation.body, parseJson(bytes));
  const { event, lambdaContext } = context.env ?? {};
  let requestId: string | undefined;
  return {
    params,
    query,
    body,
    fence,
    headers,
    // Few operations ask for it.
    get requestId() {
      requestId ??= requestIdOf(key ?? '', context.req.method, pathOf(context.req.url), bytes);
      return requestId;
    },
    keyed: key !== undefined,
    caller: callerOf(event),
    remainingMs: () => lambdaContext?.getRemainingTimeInMillis() ?? Number.POSITIVE_INFINITY,
  } as Request<Declared>;
}

function valuesOf(headers: Operation['headers'] = {}, header: (name: string) => string | undefined) {
  return Object.fromEntries(Object.keys(headers).map((name) => [name, header(name)]));
}

const utf8 = new TextDecoder('utf-8', { fatal: true });

const noBytes = new Uint8Array();

async function readBytes({ bodyLimit = 64 * 1024 }: Operation, context: RequestContext): Promise<Uint8Array> {
  const body: ArrayBuffer | Uint8Array = await context.req.arrayBuffer();
  if (body.byteLength > bodyLimit) throw unreadable(`The body has ${body.byteLength} bytes, the limit is ${bodyLimit}`);
  return body instanceof Uint8Array ? body : new Uint8Array(body);
}

function parseJson(bytes: Uint8Array): unknown {
  if (bytes.byteLength === 0) return {};
  try {
    const text = utf8.decode(bytes);
    // Asking about every key takes longer than parsing; in a text with neither the name nor an escape there is no such
    // key.
    return JSON.parse(text, /__proto__|\\u/.test(text) ? withoutPrototype : undefined);
  } catch (error) {
    throw error instanceof ProblemError ? error : unreadable('The body is not JSON in UTF-8');
  }
}

/** Path and query of an address. */
const pathOf = (url: string) => url.slice(url.indexOf('/', url.indexOf('//') + 2));

/** Objects lose such a key on their way, and what was accepted would not be what is stored. */
function withoutPrototype(key: string, value: unknown): unknown {
  if (key === '__proto__') throw unreadable('The body has a key "__proto__"');
  return value;
}

/** JSON may be nested deeper than a schema can follow it. */
function unlessTooDeep<Read>(read: () => Read): Read {
  try {
    return read();
  } catch (error) {
    throw error instanceof RangeError ? unreadable('The body is nested too deeply') : error;
  }
}

function unreadable(message: string): ProblemError {
  return new ProblemError(invalidRequest, `${message}; nothing was written.`, { issues: [{ path: '', message }] });
}

async function answerProblem(error: unknown, context: RequestContext): Promise<Response> {
  const problem = asProblem(error, context);
  const { reason } = problem.members;
  if (problem.kind.counts !== undefined) count(problem.kind.counts, typeof reason === 'string' ? { reason } : {});
  const { retryAfterMs, ['allow']: allow } = problem.members;
  return reply(context.env ?? {}, problem.kind.status, problem, {
    'content-type': 'application/problem+json',
    ...(retryAfterMs === undefined ? {} : { 'retry-after': String(Math.ceil(retryAfterMs / 1000)) }),
    ...(typeof allow === 'string' ? { allow } : {}),
  });
}

function asProblem(error: unknown, context: RequestContext): ProblemError {
  if (error instanceof ProblemError) return error;
  if (isUnavailable(error)) {
    logger.warn('A store is unavailable', { ...named(context), error: error as Error });
    const members = { retryAfterMs: 200 + Math.round(Math.random() * 300) };
    return new ProblemError(
      unavailable,
      'A store is throttled or cannot be reached; try again with the same Idempotency-Key.',
      members,
    );
  }
  logger.error('An unexpected error', { ...named(context), error: error as Error });
  return new ProblemError(internal, 'The service failed unexpectedly; try again with the same Idempotency-Key.');
}

function record(operation: Operation, context: RequestContext, status: number, elapsedMs: number): void {
  logger.info(`${operation.method} ${operation.path}`, {
    ...named(context),
    status,
    elapsedMs: Math.round(elapsedMs),
  });
  if (status >= 300) return;
  if (operation.counts !== undefined) count(operation.counts);
  if (operation.times !== undefined) time(operation.times, elapsedMs);
}

/** The members of every log line about a request; a header that is not a version is left out. */
function named(context: RequestContext) {
  const version = context.req.header('Fencing-Version') ?? '';
  return {
    requestId: context.env?.lambdaContext?.awsRequestId,
    group: context.req.param('group'),
    ...(/^\d{1,9}$/.test(version) ? { fencingVersion: Number(version) } : {}),
  };
}
