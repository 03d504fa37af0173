import type { RawAnswer } from './answer.ts';
import { linkedController } from './linked-controller.ts';
import type { HttpRequest } from './request.ts';
import { TenureError } from './tenure-error.ts';
import type { Time } from './time.ts';

export interface Credentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string | undefined;
}

/**
 * Asked before every try, which waits for it no longer than for an answer, so that it can hand out fresh ones; it does
 * its own caching.
 */
export type CredentialsProvider = () => Credentials | Promise<Credentials>;

export interface Transport {
  readonly fetch: typeof globalThis.fetch;
  readonly time: Time;
  /** Signs with SigV4 for API Gateway. */
  readonly signing?: { readonly credentials: CredentialsProvider; readonly region: string } | undefined;
}

/**
 * Sends a request once and reads its whole answer.
 * @throws TenureError `unreachable` (retryable) when no answer came within `timeoutMs`, or no credentials to sign with
 *   could be had; the
 * signal's reason when it fired.
 */
export async function sendOnce(
  request: HttpRequest,
  { fetch, time, signing }: Transport,
  timeoutMs: number,
  signal?: AbortSignal,
): Promise<RawAnswer> {
  signal?.throwIfAborted();
  const { controller: ending, unlink } = linkedController(signal);
  const cancelTimer = time.setTimer(timeoutMs, () =>
    ending.abort(new Error(`no answer within ${Math.round(timeoutMs)} ms`)),
  );
  try {
    const { url, method, body } = request;
    const signed = signing && (await sign(request, signing, time, ending.signal));
    const headers = signed?.headers ?? request.headers;
    const init = {
      method,
      headers,
      redirect: 'manual',
      signal: ending.signal,
      ...(body !== undefined && { body }),
    } as const;
    const response = await fetch(url, init);
    const sentAs = { url, signedBy: signed?.accessKeyId, region: signing?.region };
    return { status: response.status, headers: response.headers, text: await response.text(), sentAs };
  } catch (error) {
    signal?.throwIfAborted();
    if (error instanceof TenureError) throw error;
    throw unreachable(request, ending.signal.aborted ? ending.signal.reason : error);
  } finally {
    cancelTimer();
    unlink();
  }
}

/** A request that another process can send: signed already, which API Gateway accepts for five minutes. */
export interface PreparedRequest {
  readonly method: string;
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string;
}

export async function prepare(
  request: HttpRequest,
  { signing, time }: Transport,
  signal: AbortSignal,
): Promise<PreparedRequest> {
  const { method, url, body } = request;
  const signed = signing && (await sign(request, signing, time, signal));
  const headers = signed ? Object.fromEntries(signed.headers) : request.headers;
  return { method, url, headers, ...(body !== undefined && { body }) };
}

/** Settles as the work does, or rejects as soon as the signal fires: the result of the work is then dropped. */
export function unlessAborted<Value>(signal: AbortSignal, work: Promise<Value>): Promise<Value> {
  return new Promise((resolve, reject) => {
    const onAbort = () => reject(signal.reason);
    if (signal.aborted) onAbort();
    signal.addEventListener('abort', onAbort, { once: true });
    void work.then(resolve, reject).finally(() => signal.removeEventListener('abort', onAbort));
  });
}

async function sign(
  request: HttpRequest,
  { credentials, region }: NonNullable<Transport['signing']>,
  time: Time,
  signal: AbortSignal,
) {
  const { AwsV4Signer } = await import('aws4fetch');
  const asked = Promise.resolve().then(credentials);
  const { accessKeyId, secretAccessKey, sessionToken } = await unlessAborted(signal, asked).catch((cause: unknown) => {
    throw withoutCredentials(request, cause);
  });
  const { headers } = await new AwsV4Signer({
    method: request.method,
    url: request.url,
    headers: { ...request.headers },
    body: request.body ?? null,
    accessKeyId,
    secretAccessKey,
    ...(sessionToken && { sessionToken }),
    service: 'execute-api',
    region,
    datetime: new Date(time.now()).toISOString().replaceAll(/[:-]|\.\d{3}/g, ''),
  }).sign();
  return { headers, accessKeyId };
}

function unreachable(request: HttpRequest, cause: unknown): TenureError {
  const { origin } = new URL(request.url);
  const message = `${origin} cannot be reached (${reasonOf(cause)}): check the URL, and that the service runs (npm start).`;
  return unanswered(request, message, cause);
}

function withoutCredentials(request: HttpRequest, cause: unknown): TenureError {
  const { origin } = new URL(request.url);
  const message = `There are no credentials to sign requests to ${origin} with (${reasonOf(cause)}): check what provides them, such as AWS_PROFILE, the environment or the instance's role.`;
  return unanswered(request, message, cause);
}

function unanswered({ name }: HttpRequest, message: string, cause: unknown): TenureError {
  return new TenureError(message, { code: 'unreachable', status: 0, retryable: true, request: name }, { cause });
}

/**
 * fetch hides the reason (ECONNREFUSED, ENOTFOUND) in its cause, which has no message of its own when there were
 * several addresses.
 */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  if (error.cause instanceof Error) return reasonOf(error.cause);
  return error.message || ('code' in error ? String(error.code) : error.name);
}
