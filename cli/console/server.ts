/**
 * The console's own server: the page, and the API behind /api/, on loopback. Everything that reaches it acts with the
 * credentials of the command line, so three doors stand before it: the guard that keeps other sites out, a token that
 * keeps other users of the machine out, and a policy that lets the page load and send nothing elsewhere.
 */
import { randomBytes } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { EventSource } from '../events/bus-event.ts';
import { UsageError } from '../exit.ts';
import { guarded, isToken } from '../request-guard.ts';
import { streamEvents } from './event-stream.ts';
import type { PageFile } from './page.ts';
import { type Passed, passOn, problem, type Upstream } from './proxy.ts';

export interface ConsoleOptions {
  readonly upstream: Upstream;
  readonly page: ReadonlyMap<string, PageFile>;
  /** Undefined: the usual port, or any free one when that is in use. */
  readonly port?: number | undefined;
  /** Names that a Host header may have besides those of loopback. */
  readonly hosts?: readonly string[] | undefined;
  /** Undefined where none are kept: the page then shows none. */
  readonly events?: EventSource | undefined;
  /** The service's name as the page shows it. */
  readonly label: string;
}

export interface RunningConsole {
  /** With the token: who opens it gets in. */
  readonly address: string;
  stop(): Promise<void>;
}

export const usualPort = 8788;
const mostBodyBytes = 64 * 1024;

const securityHeaders = {
  'content-security-policy':
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; base-uri 'none'; " +
    "form-action 'none'; frame-ancestors 'none'",
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'cache-control': 'no-store',
};

/** @throws UsageError when the port that was asked for is in use. */
export async function startConsole({ hosts = [], ...options }: ConsoleOptions): Promise<RunningConsole> {
  const token = randomBytes(24).toString('base64url');
  const server = createServer(
    guarded({ hosts, bodyTypes: ['application/json'] }, (request, response) => {
      const failed = () => write(response, problem(500, 'internal', 'The console failed', 'Start it again.'));
      if (options.events && request.url?.startsWith('/events?') && isKnown(request, token, port())) {
        const group = new URL(request.url, 'http://console').searchParams.get('group') ?? '';
        response.writeHead(200, { ...securityHeaders, 'content-type': 'text/event-stream' });
        streamEvents(options.events, group, response).catch(() => response.destroy());
        return;
      }
      answer(request, options, token, port()).then((answered) => write(response, answered), failed);
    }),
  );
  const port = () => (server.address() as AddressInfo).port;
  await listen(server, options.port);
  return {
    address: `http://127.0.0.1:${port()}/?token=${token}`,
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

type Answer = Omit<Passed, 'body'> & { readonly body: string | Buffer };

async function answer(
  request: IncomingMessage,
  { upstream, page, label }: Omit<ConsoleOptions, 'hosts'>,
  token: string,
  port: number,
): Promise<Answer> {
  const { pathname, search, searchParams } = new URL(request.url ?? '/', 'http://console');
  if (pathname === '/' && searchParams.has('token')) {
    if (!isToken(searchParams.get('token') ?? '', token)) return locked(pathname);
    const cookieText = `${cookieName(port)}=${token}; Path=/; HttpOnly; SameSite=Lax`;
    return { status: 303, headers: { location: '/', 'set-cookie': cookieText }, body: '' };
  }
  if (!isKnown(request, token, port)) return locked(pathname);
  if (pathname.startsWith('/api/')) {
    const body = await bodyOf(request);
    if (body === undefined) return problem(413, 'invalid_request', 'The request is too large', 'Send less.');
    const key = request.headers['idempotency-key'];
    const path = pathname.slice('/api'.length) + search;
    return passOn(upstream, { method: request.method ?? 'GET', path, idempotencyKey: String(key ?? ''), body });
  }
  if (request.method !== 'GET') return problem(405, 'not_found', 'No such resource', 'Only GET.');
  if (pathname === '/about.json') return { status: 200, headers: json, body: JSON.stringify({ label }) };
  const file = page.get(pathname === '/' ? '/index.html' : pathname);
  if (file) return { status: 200, headers: { 'content-type': file.type }, body: file.content };
  return problem(404, 'not_found', 'No such resource', `The console has no ${pathname}.`);
}

/** Cookies do not tell ports apart. */
const cookieName = (port: number) => `tenure-console-${port}`;

function isKnown({ headers }: IncomingMessage, token: string, port: number): boolean {
  const start = `${cookieName(port)}=`;
  const given = headers.cookie?.split('; ').find((one) => one.startsWith(start));
  return isToken(given?.slice(start.length), token);
}

const json = { 'content-type': 'application/json' };

/** For a person plain text; the page itself reads the problem. */
function locked(pathname: string): Answer {
  const detail = 'Open the address that tenure console printed: it holds the key of this run.';
  if (pathname.startsWith('/api/')) return problem(401, 'locked', 'The console is locked', detail);
  return { status: 401, headers: { 'content-type': 'text/plain; charset=utf-8' }, body: `${detail}\n` };
}

function write(response: ServerResponse, { status, headers, body }: Answer): void {
  response.writeHead(status, { ...securityHeaders, ...headers }).end(body);
}

/** Undefined when it is larger than any body that the page sends. */
async function bodyOf(request: IncomingMessage): Promise<string | undefined> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > mostBodyBytes) return undefined;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString();
}

async function listen(server: Server, wanted: number | undefined): Promise<void> {
  const bind = (port: number) =>
    new Promise<void>((resolve, reject) => {
      server.once('error', reject).listen(port, '127.0.0.1', () => {
        server.off('error', reject);
        resolve();
      });
    });
  await bind(wanted ?? usualPort).catch(async (cause: NodeJS.ErrnoException) => {
    if (cause.code !== 'EADDRINUSE') throw cause;
    if (wanted !== undefined) throw new UsageError(`Port ${wanted} is in use: give another --port, or 0 for any.`);
    await bind(0);
  });
}
