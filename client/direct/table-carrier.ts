import type { Operation } from '../../api/operation.ts';
import { fenceRequired, ProblemError } from '../../api/problem.ts';
import type { Call, Performed } from '../../leadership/performed.ts';
import { requestIdOf } from '../../store/idempotency.ts';
import { readAnswer } from '../answer.ts';
import type { Carrier } from '../carrier.ts';
import { linkedController } from '../linked-controller.ts';
import { type AnyRequest, buildRequest, type HttpRequest } from '../request.ts';
import { TenureError } from '../tenure-error.ts';
import type { Time } from '../time.ts';
import { type PreparedRequest, unlessAborted } from '../transport.ts';
import { noAnswer, toTenureError } from './table-errors.ts';

/** Carries out operations on a table, once its code is loaded. */
export interface OpenTable {
  readonly performed: readonly Performed[];
  /** Runs the act; what it sends to DynamoDB is given up when the signal fires. */
  within<Result>(signal: AbortSignal, act: () => Promise<Result>): Promise<Result>;
  /** The resignation of a term as a signed request to DynamoDB. */
  prepareResignation(call: Call): Promise<PreparedRequest>;
}

/**
 * Carries out leadership's operations in this process, with the protocol that the API's functions run. A request is
 * checked, identified and answered as the API does.
 */
export function tableCarrier(table: string, time: Time, open: () => Promise<OpenTable>): Carrier {
  let opening: Promise<OpenTable> | undefined;
  const opened = (): Promise<OpenTable> => {
    opening ??= open().catch((error: unknown) => {
      opening = undefined;
      throw error;
    });
    return opening;
  };
  return {
    mode: 'direct',
    url: `table:${table}`,
    begin(operation, request) {
      const http = buildRequest('', operation, request);
      const call = callOf(operation, request, http, table);
      return (timeoutMs) =>
        withinLimits({ table, time, timeoutMs, name: http.name, signal: request.signal }, async (signal) => {
          const { performed, within } = await opened();
          const { act } = performed.find(({ operation: { method, path } }) => isOf(operation, method, path)) ?? {};
          if (!act) throw unsupported(operation, table);
          const answer = await within(signal, () => act(call));
          const text = JSON.stringify(answer);
          return readAnswer(operation.answer, { status: 200, headers: new Headers(), text }, http.name);
        });
    },
    async prepare(operation, request, signal) {
      const http = buildRequest('', operation, request);
      if (!operation.path.endsWith('/leadership/resign')) throw unsupported(operation, table);
      const { prepareResignation } = await unlessAborted(signal, opened());
      return unlessAborted(signal, prepareResignation(callOf(operation, request, http, table)));
    },
  };
}

const isOf = (operation: Operation, method: string, path: string) =>
  operation.method === method && operation.path === path;

interface Limits {
  readonly table: string;
  readonly time: Time;
  readonly timeoutMs: number;
  readonly name: string;
  readonly signal: AbortSignal | undefined;
}

/** Carries out one try. @throws TenureError, or the signal's reason when it fired. */
async function withinLimits<Answer>(
  { table, time, timeoutMs, name, signal }: Limits,
  act: (signal: AbortSignal) => Promise<Answer>,
): Promise<Answer> {
  signal?.throwIfAborted();
  const { controller: ending, unlink } = linkedController(signal);
  const cancelTimer = time.setTimer(timeoutMs, () => ending.abort(noAnswer(table, name, timeoutMs)));
  try {
    return await unlessAborted(ending.signal, act(ending.signal));
  } catch (error) {
    signal?.throwIfAborted();
    throw toTenureError(ending.signal.aborted ? ending.signal.reason : error, table, name);
  } finally {
    cancelTimer();
    unlink();
  }
}

/** The parts of a call as the API reads them, defaults filled in. */
function callOf(operation: Operation, request: AnyRequest, http: HttpRequest, table: string): Call {
  const { fence } = request;
  if (operation.fence === 'required' && !fence)
    throw toTenureError(new ProblemError(fenceRequired, `${http.name} needs the fence of a term.`), table, http.name);
  const [, search = ''] = http.url.split('?');
  const body = http.body ?? '{}';
  const key = http.headers['Idempotency-Key'] ?? '';
  return {
    params: operation.params.parse(request.params ?? {}),
    query: operation.query.parse(Object.fromEntries(new URLSearchParams(search))),
    body: operation.body.parse(JSON.parse(body)),
    fence,
    headers: { ...request.headers },
    requestId: requestIdOf(key, http.method, http.url, Buffer.from(body)),
  };
}

function unsupported({ method, path, summary, servedBy }: Operation, table: string): TenureError {
  const request = `${method} ${path}`;
  const isOfLogs = servedBy === 'log';
  const what = isOfLogs ? `Table "${table}" came without replicas for logs` : `Table "${table}" holds leases alone`;
  const instead = isOfLogs ? ', or give replicas' : '';
  return new TenureError(
    `${what}, and the API is needed to ${lowerFirst(summary)} (${request}): use a client with its url${instead}.`,
    { code: 'not_supported', status: 0, retryable: false, request },
  );
}

const lowerFirst = (text: string) => text.charAt(0).toLowerCase() + text.slice(1);
