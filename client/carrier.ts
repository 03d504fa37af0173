import type { Operation } from '../api/operation.ts';
import { readAnswer } from './answer.ts';
import { type AnyRequest, buildRequest } from './request.ts';
import { type PreparedRequest, prepare, sendOnce, type Transport } from './transport.ts';

/** Carries out a client's calls: over HTTP, or on a table. */
export interface Carrier {
  /** `direct`: each call is a request to DynamoDB. */
  readonly mode: 'api' | 'direct';
  /** Where calls are carried out: the address of the API, or `table:my-leases`. */
  readonly url: string;
  /** Checks a request and returns the function that sends it: every try of a call sends the same. */
  begin(operation: Operation, request: AnyRequest): (timeoutMs: number) => Promise<unknown>;
  /** The request, signed, for another process to send. */
  prepare(operation: Operation, request: AnyRequest, signal: AbortSignal): Promise<PreparedRequest>;
}

export const httpCarrier = (url: string, transport: Transport): Carrier => ({
  mode: 'api',
  url,
  begin(operation, request) {
    const http = buildRequest(url, operation, request);
    return async (timeoutMs) =>
      readAnswer(operation.answer, await sendOnce(http, transport, timeoutMs, request.signal), http.name);
  },
  prepare: (operation, request, signal) => prepare(buildRequest(url, operation, request), transport, signal),
});
