import type * as z from 'zod/mini';
import { forbidden, internal, notFound, unavailable } from '../api/problem.ts';
import { type ErrorFacts, TenureError } from './tenure-error.ts';

/** An HTTP answer whose body has been read. */
export interface RawAnswer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  /** Absent in direct mode. */
  readonly sentAs?: Sender;
}

/** The properties of a request by which API Gateway accepts or refuses it. */
interface Sender {
  readonly url: string;
  /** The access key that signed it. */
  readonly signedBy: string | undefined;
  readonly region: string | undefined;
}

/** Reads a success with the operation's schema; throws a TenureError for everything else. */
export function readAnswer<Schema extends z.ZodMiniType>(schema: Schema, answer: RawAnswer, request: string) {
  const body = jsonOf(answer.text);
  if (answer.status < 200 || answer.status > 299) throw errorOf(answer, body, request);
  const read = schema.safeParse(body);
  if (read.success) return read.data as z.output<Schema>;
  const [issue] = read.error.issues;
  throw new TenureError(
    `${request} was answered with ${answer.status} but not by this version of Tenure (${issue?.path.join('.') || 'body'}: ${issue?.message}); check the URL.`,
    { code: 'unexpected_answer', status: answer.status, retryable: false, request },
  );
}

function errorOf(answer: RawAnswer, body: unknown, request: string): TenureError {
  const requestId = answer.headers.get('apigw-requestid') ?? undefined;
  const retryAfterMs = retryAfter(answer.headers);
  if (isProblem(body)) {
    const {
      type: _type,
      title: _title,
      status: _status,
      detail,
      code,
      retryable,
      retryAfterMs: given,
      ...members
    } = body;
    const facts = { code, status: answer.status, retryable, members, request, requestId };
    return new TenureError(detail, { ...facts, retryAfterMs: given ?? retryAfterMs });
  }
  const { code, retryable, remedy } = gatewayProblem(answer.status);
  const said = gatewayMessage(body) ?? 'no problem document';
  const next = code === 'forbidden' && answer.sentAs ? missingPermission(request, answer.sentAs) : remedy;
  const message = `${request} was answered with ${answer.status} (${said}). ${next}`;
  return new TenureError(message, { code, status: answer.status, retryable, retryAfterMs, request, requestId });
}

/** The problem of an answer by API Gateway itself, which carries no problem document. */
function gatewayProblem(status: number): Pick<ErrorFacts, 'code' | 'retryable'> & { remedy: string } {
  if (status === 401 || status === 403) return forbidden;
  if (status === 404) return { ...notFound, remedy: 'Check that the URL is that of the API.' };
  if (status === 429)
    return { code: 'throttled', retryable: true, remedy: 'Too many requests at once: try again later.' };
  if (status === 500) return { ...internal, remedy: "Try again; look into the function's log if it stays." };
  if (status === 502 || status === 503 || status === 504) return { ...unavailable, remedy: 'Try again in a moment.' };
  return { code: 'unexpected_answer', retryable: false, remedy: 'Check that the URL is that of the API.' };
}

/** Names the action and the resource that a policy has to allow, and whose credentials were refused. */
function missingPermission(request: string, { url, signedBy, region = '*' }: Sender): string {
  if (signedBy === undefined)
    return 'The request was not signed: pass credentials to the TenureClient (and region, for a custom domain).';
  const { hostname } = new URL(url);
  const api = /^([a-z0-9]+)\.execute-api\./.exec(hostname)?.[1] ?? '*';
  const [method, path = ''] = request.split(' ');
  const resource = `arn:aws:execute-api:${region}:*:${api}/*/${method}${path}`;
  return `It was signed with access key ${abbreviate(signedBy)}: allow its owner execute-api:Invoke on ${resource}, or check that the key belongs to the account of the API.`;
}

/** Enough to find the key by, and no more of it in logs. */
const abbreviate = (accessKeyId: string) => `${accessKeyId.slice(0, 4)}…${accessKeyId.slice(-4)}`;

interface ProblemDocument {
  readonly code: string;
  readonly detail: string;
  readonly retryable: boolean;
  readonly retryAfterMs?: number;
  readonly [member: string]: unknown;
}

function isProblem(body: unknown): body is ProblemDocument {
  if (typeof body !== 'object' || body === null) return false;
  const { code, detail, retryable } = body as Partial<ProblemDocument>;
  return typeof code === 'string' && typeof detail === 'string' && typeof retryable === 'boolean';
}

function gatewayMessage(body: unknown): string | undefined {
  const message = typeof body === 'object' && body !== null && 'message' in body ? body.message : undefined;
  return typeof message === 'string' ? message : undefined;
}

function retryAfter(headers: Headers): number | undefined {
  const seconds = Number(headers.get('retry-after') ?? Number.NaN);
  return Number.isFinite(seconds) && seconds >= 0 ? seconds * 1000 : undefined;
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
