/** Requests to the API behind `api/`, relative to the page: the CLI's server answers there, or a team's own proxy. */

export interface Problem {
  readonly status: number;
  readonly code: string;
  readonly title: string;
  readonly detail: string;
}

export class ApiError extends Error {
  override readonly name = 'ApiError';
  constructor(readonly problem: Problem) {
    super(problem.detail);
  }
}

const timeoutMs = 8_000;

/** How far this machine's clock is behind the API's, ms; 0 while they agree to within what the Date header tells. */
let clockOffsetMs = 0;
const headerPrecisionMs = 2_000;

/** The API's time: expiries are instants of its clock. */
export function now(): number {
  return Date.now() + clockOffsetMs;
}

/** @throws ApiError for every answer that is none, or is a problem. */
export async function ask<Answer>(path: string, init: { method?: string; body?: unknown } = {}): Promise<Answer> {
  const { method = 'GET', body } = init;
  const response = await send(path, method, body);
  const text = await response.text().catch(() => '');
  const read = parsed(text);
  if (!response.ok) throw new ApiError(problemOf(response, read));
  if (read === undefined) {
    throw new ApiError(problem(response.status, 'unexpected_answer', `${path} is answered by something else.`));
  }
  noteClock(response.headers.get('date'));
  return read as Answer;
}

async function send(path: string, method: string, body: unknown): Promise<Response> {
  const writes = method !== 'GET' && {
    headers: { 'content-type': 'application/json', 'idempotency-key': crypto.randomUUID() },
    body: JSON.stringify(body ?? {}),
  };
  try {
    return await fetch(`api${path}`, { method, signal: AbortSignal.timeout(timeoutMs), ...writes });
  } catch (cause) {
    const late = cause instanceof DOMException && cause.name === 'TimeoutError';
    const why = late ? `No answer within ${timeoutMs / 1000} s.` : 'The process that serves this page is gone.';
    throw new ApiError(problem(0, late ? 'timeout' : 'console_gone', why));
  }
}

function noteClock(date: string | null): void {
  const offset = Date.parse(date ?? '') - Date.now();
  clockOffsetMs = Number.isNaN(offset) || Math.abs(offset) < headerPrecisionMs ? 0 : offset;
}

function problemOf({ status, statusText }: Response, body: unknown): Problem {
  const { code, title, detail, message } = (body ?? {}) as Partial<Problem> & { message?: string };
  if (code && detail) return { status, code, title: title ?? code, detail };
  const known: Readonly<Record<number, string>> = { 401: 'locked', 403: 'forbidden', 429: 'throttled' };
  return problem(status, known[status] ?? 'unavailable', message ?? (statusText || 'no problem document'));
}

function problem(status: number, code: string, detail: string): Problem {
  return { status, code, title: code, detail };
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
