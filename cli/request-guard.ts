/**
 * The door of every listener, of the stack and of the command line: only programs, and pages that a listener itself
 * served, come in. A web page elsewhere can send requests to loopback addresses (with a body of a type that needs no
 * permission), and can point a name of its own at 127.0.0.1 (DNS rebinding) so that the browser believes the answers to
 * be its own. The Host header shows the second, Origin and Sec-Fetch-Site the first, and a content type of a protocol
 * is one that no page may send unasked.
 */
import { timingSafeEqual } from 'node:crypto';
import type { IncomingMessage, RequestListener } from 'node:http';
import { isIPv4, isIPv6 } from 'node:net';

export interface GuardRules {
  /** Names that a Host header may have besides those of loopback. */
  readonly hosts?: readonly string[];
  /** Accepts every IP address as Host: for a listener that other machines ask by address. Rebinding needs a name. */
  readonly anyAddress?: boolean;
  /** Content types that a body may have. Left out, any: for a protocol that signs every request. */
  readonly bodyTypes?: readonly string[];
}

export interface Refusal {
  readonly status: 400 | 403;
  readonly detail: string;
}

/** Node takes the first of several; what stands before us may have judged another. */
const judgedHeaders = ['host', 'origin', 'content-type', 'sec-fetch-site'];

const loopbackNames = ['127.0.0.1', 'localhost', '[::1]'];

/** Wraps a listener so that requests which break the rules never reach it. */
export function guarded(rules: GuardRules, listener: RequestListener): RequestListener {
  return (request, response) => {
    const refusal = refusalOf(request, rules);
    if (!refusal) return listener(request, response);
    const problem = problemOf(refusal);
    response.writeHead(refusal.status, { 'content-type': 'application/problem+json', connection: 'close' });
    response.end(JSON.stringify(problem));
    // The body is read and dropped, so that the client gets to read the answer.
    request.resume();
  };
}

/** Why a request may not pass; undefined if it may. */
export function refusalOf(request: IncomingMessage, rules: GuardRules): Refusal | undefined {
  const { hosts = [], anyAddress = false, bodyTypes } = rules;
  const twice = judgedHeaders.find((header) => (request.headersDistinct[header]?.length ?? 0) > 1);
  if (twice) return forbidden(`The header ${twice} comes more than once.`);
  const { host = '', origin, 'content-type': contentType = '' } = request.headers;
  const name = host.toLowerCase().replace(/:\d+$/, '');
  if (host === '') return forbidden('The Host header is missing; send the address that you called.');
  const known = loopbackNames.includes(name) || hosts.includes(name) || (anyAddress && isAddress(name));
  if (!known) {
    const usable = anyAddress ? 'an IP address' : 'a loopback address';
    return forbidden(`The Host header is "${host}"; use ${usable}, or allow the name with --allow-host ${name}.`);
  }
  if (origin !== undefined && origin !== `http://${host}`) {
    return forbidden(`The page at ${origin} may not call this server.`);
  }
  if (isFromOtherSite(request)) return forbidden('A page of another site may not call this server.');
  const type = contentType.split(';')[0]?.trim().toLowerCase() ?? '';
  if (bodyTypes && hasBody(request) && !bodyTypes.includes(type)) {
    return { status: 400, detail: `The Content-Type of the body is "${type}"; send ${bodyTypes.join(' or ')}.` };
  }
  return undefined;
}

/** As it stands in a URL: IPv6 in brackets. */
function isAddress(name: string): boolean {
  const [, literal] = /^\[([0-9a-f:.]+)\]$/.exec(name) ?? [];
  return literal === undefined ? isIPv4(name) : isIPv6(literal);
}

function forbidden(detail: string): Refusal {
  return { status: 403, detail };
}

/**
 * Browsers send these two headers to loopback addresses even where they send no Origin. A link that somebody follows
 * may lead here.
 */
function isFromOtherSite({ method, headers }: IncomingMessage): boolean {
  const site = headers['sec-fetch-site'] ?? 'none';
  const isFollowedLink = method === 'GET' && headers['sec-fetch-dest'] === 'document';
  return site !== 'none' && site !== 'same-origin' && !isFollowedLink;
}

function hasBody({ headers }: IncomingMessage): boolean {
  return Number(headers['content-length'] ?? 0) > 0 || headers['transfer-encoding'] !== undefined;
}

/** Worded as the API words its own problems. */
function problemOf({ status, detail }: Refusal) {
  const shared = { status, detail, retryable: false };
  if (status === 403) {
    return { type: 'urn:tenure:forbidden', title: 'The caller may not do this', code: 'forbidden', ...shared };
  }
  const issues = [{ path: 'Content-Type', message: detail }];
  return {
    type: 'urn:tenure:invalid_request',
    title: 'The request is not valid',
    code: 'invalid_request',
    ...shared,
    issues,
  };
}

/** Compares in constant time, so that nobody learns a token letter by letter. */
export function isToken(given: string | string[] | undefined, token: string): boolean {
  const [one, other] = [Buffer.from(String(given ?? '')), Buffer.from(token)];
  return one.length === other.length && timingSafeEqual(one, other);
}
