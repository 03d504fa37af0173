import type * as z from 'zod/mini';
import type { Operation } from '../../api/operation.ts';
import type { TenureClient } from '../tenure-client.ts';

export interface AttemptName {
  readonly group: string;
  readonly backupId: string;
  readonly attempt: number;
}

/** The calls of one attempt: all carry its secret. */
export interface AttemptCalls {
  call<Declared extends Operation>(
    operation: Declared,
    request: { query?: z.input<Declared['query']>; body?: z.input<Declared['body']>; signal?: AbortSignal },
  ): Promise<z.output<Declared['answer']>>;
}

/** A long backup survives an outage of the service of this length, ms. */
const patienceMs = 120_000;

export function attemptCalls(
  client: TenureClient,
  { group, backupId, attempt }: AttemptName,
  secret: string,
  signal: AbortSignal,
): AttemptCalls {
  return {
    call: (operation, request) =>
      client.call(operation, {
        params: { group, backup: backupId, attempt },
        headers: { 'Attempt-Secret': secret },
        deadlineMs: patienceMs,
        timeoutMs: 30_000,
        signal,
        ...request,
      } as never),
  };
}
