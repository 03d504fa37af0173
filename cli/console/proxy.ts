/** Passes the page's requests on to the API, signed with the credentials of the command line. */
import { hasCode } from '../../client/tenure-error.ts';
import { sendOnce, type Transport } from '../../client/transport.ts';

export interface Upstream {
  /** Of the API, without a slash at the end. */
  readonly url: string;
  readonly transport: Transport;
}

export interface PageRequest {
  readonly method: string;
  /** With its query; begins with /v1/. */
  readonly path: string;
  readonly idempotencyKey?: string | undefined;
  readonly body: string;
}

export interface Passed {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** Operations for a person at the console; a leader's own requests carry a fence, which is not passed on. */
const paths = /^\/v1\/(?:health$|groups(?:[/?]|$))/;
const methods = ['GET', 'POST', 'PUT', 'DELETE'] as const;
const kept = ['content-type', 'date', 'retry-after', 'apigw-requestid'];
const timeoutMs = 30_000;

/** Sends one request to the API. No answer becomes a problem document too: the page has one kind of error to show. */
export async function passOn({ url, transport }: Upstream, request: PageRequest): Promise<Passed> {
  const { path, idempotencyKey, body } = request;
  const method = methods.find((one) => one === request.method);
  if (!method || !paths.test(path)) {
    return problem(404, 'not_found', 'No such resource', `The console passes on no ${request.method} ${path}.`);
  }
  const writes = method !== 'GET' && {
    'Content-Type': 'application/json',
    ...(idempotencyKey && { 'Idempotency-Key': idempotencyKey }),
  };
  const name = `${method} ${path}`;
  const headers = { Accept: 'application/json', ...writes };
  const http = { method, url: url + path, headers, name, ...(method !== 'GET' && { body: body || '{}' }) };
  try {
    const answer = await sendOnce(http, transport, timeoutMs);
    const passedOn = kept
      .flatMap((key) => [[key, answer.headers.get(key)] as const])
      .filter(([, value]) => value !== null);
    return {
      status: answer.status,
      headers: Object.fromEntries(passedOn) as Record<string, string>,
      body: answer.text,
    };
  } catch (error) {
    if (!hasCode(error, 'unreachable')) throw error;
    return problem(502, 'unreachable', 'The API cannot be reached', error.message);
  }
}

export function problem(status: number, code: string, title: string, detail: string): Passed {
  const retryable = code === 'unreachable';
  const body = JSON.stringify({ type: `urn:tenure:${code}`, title, status, detail, code, retryable });
  return { status, headers: { 'content-type': 'application/problem+json' }, body };
}
