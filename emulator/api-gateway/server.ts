import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { guarded, isToken } from '../../cli/request-guard.ts';
import { limits } from '../lambda/function.ts';
import { type FunctionHost, PayloadTooLargeError } from '../lambda/host.ts';
import { TooManyRequestsError } from '../lambda/instances.ts';
import { close, listen } from '../listener.ts';
import { type Answer, answerOf, gatewayAnswer, json, send } from './answer.ts';
import { eventOf, pathOf } from './event.ts';
import { faultOrders } from './injection.ts';
import { matchRoute, type Route } from './route-table.ts';

export interface Gateway {
  port: number;
  /** From now on requests reach these routes; until then they get 503. */
  serve(routes: Route[], functions: FunctionHost): void;
  /** Refuses new connections and gives running requests up to a second. */
  stop(): Promise<void>;
}

/**
 * Called for what lies outside the deployed API, under `/_local/`. Returns undefined for a path that it does not know.
 */
export type LocalRoute = (method: string, path: string, body: string) => Answer | undefined;

export interface Door {
  /** Names that a Host header may have besides those of loopback. */
  hosts: readonly string[];
  /** The token that a request to `/_local/` must carry in its header Tenure-Local-Token. */
  token: string;
}

const headerBytes = 10_240;

/**
 * Listens on loopback only, as API Gateway would: its limits, its routing, its own short answers.
 * Throws when the port is taken.
 */
export async function startGateway(port: number, { hosts, token }: Door, local: LocalRoute): Promise<Gateway> {
  let served: { routes: Route[]; functions: FunctionHost } | undefined;
  const faults = faultOrders();

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = await bodyOf(request);
    if (!body) return send(response, gatewayAnswer(413), 'local');
    if (request.url?.startsWith('/_local/')) return send(response, administer(request, body), 'local');
    if (headerSize(request) > headerBytes) return send(response, gatewayAnswer(431), 'local');
    const fault = faults.next(request);
    if (fault === 'malformed') return send(response, gatewayAnswer(400), 'local');
    if (fault?.when === 'before') return spoil(response, fault.status);
    const { requestId, ...answered } = await dispatch(request, body);
    if (fault) return spoil(response, fault.status);
    send(response, answered, requestId);
  }

  function administer(request: IncomingMessage, body: Buffer): Answer {
    if (!isToken(request.headers['tenure-local-token'], token)) {
      return json(403, { message: 'Send the localToken of stack.json in the header Tenure-Local-Token' });
    }
    const path = (request.url ?? '').slice('/_local'.length);
    if (request.method === 'PUT' && path === '/inject') {
      const taken = faults.replace(body.toString());
      return 'issues' in taken ? json(400, taken) : json(200, taken);
    }
    return local(request.method ?? 'GET', path, body.toString()) ?? gatewayAnswer(404);
  }

  async function dispatch(request: IncomingMessage, body: Buffer): Promise<Answer & { requestId: string }> {
    const path = decodedPath(request);
    const plain = (status: number) => ({ ...gatewayAnswer(status), requestId: 'local' });
    if (path === undefined) return plain(400);
    if (!served) return plain(503);
    const match = matchRoute(served.routes, request.method ?? 'GET', path);
    if (!match) return plain(404);
    const event = eventOf(request, body, match, new Date());
    const { requestId } = event.requestContext;
    const payload = JSON.stringify(event);
    if (Buffer.byteLength(payload) > limits.requestBytes) return { ...gatewayAnswer(413), requestId };
    const invoked = served.functions.invoke(match.route.functionName, payload).catch(throttled);
    const outcome = await withinTime(invoked, match.route.timeoutMs);
    if (outcome === 'late' || outcome === 'throttled') return { ...gatewayAnswer(503), requestId };
    if ('payload' in outcome) return { ...answerOf(outcome.payload), requestId };
    return { ...gatewayAnswer(outcome.error.errorType === 'Sandbox.Timedout' ? 503 : 500), requestId };
  }

  const rules = { hosts, bodyTypes: ['application/json'] };
  const server = createServer(
    { maxHeaderSize: 64 * 1024 },
    guarded(rules, (request, response) => {
      answer(request, response).catch((cause: unknown) => {
        if (response.headersSent) response.destroy();
        else
          send(response, json(cause instanceof PayloadTooLargeError ? 413 : 500, { message: String(cause) }), 'local');
      });
    }),
  );
  // A client library's pooled connection must not be closed under its next request.
  server.keepAliveTimeout = 60_000;
  server.requestTimeout = 0;
  await listen(server, port);
  return {
    port: (server.address() as AddressInfo).port,
    serve(routes, functions) {
      served = { routes, functions };
    },
    stop: () => close(server),
  };
}

function throttled(cause: unknown): 'throttled' {
  if (cause instanceof TooManyRequestsError) return 'throttled';
  throw cause;
}

function spoil(response: ServerResponse, status: number): void {
  if (status === 0) response.destroy();
  else send(response, gatewayAnswer(status), 'injected');
}

/** Undefined once it is longer than any request may be; the rest is read and dropped, so that the answer arrives. */
async function bodyOf(request: IncomingMessage): Promise<Buffer | undefined> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes <= limits.requestBytes) chunks.push(chunk);
  }
  return bytes <= limits.requestBytes ? Buffer.concat(chunks) : undefined;
}

function headerSize({ method = '', url = '', rawHeaders }: IncomingMessage): number {
  return method.length + url.length + rawHeaders.reduce((sum, part) => sum + Buffer.byteLength(part), 0);
}

function decodedPath(request: IncomingMessage): string | undefined {
  try {
    return pathOf(request).path;
  } catch {
    return undefined;
  }
}

async function withinTime<Result>(work: Promise<Result>, ms: number): Promise<Result | 'late'> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<'late'>((resolve) => {
    timer = setTimeout(() => resolve('late'), ms);
  });
  return Promise.race([work, late]).finally(() => clearTimeout(timer));
}
