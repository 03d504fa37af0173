import { catalogue } from '../../../api/catalogue.ts';
import type { Operation } from '../../../api/operation.ts';
import { type TableClientOptions, tableClient } from '../../../client/direct/table-client.ts';
import type { TenureClient } from '../../../client/tenure-client.ts';
import { TenureError } from '../../../client/tenure-error.ts';
import { localDynamoDb } from '../main-table.ts';
import type { Call } from './served.ts';
import type { TestLogs } from './tables.ts';

/** A client in direct mode on the tables of `logsWith`, as another process. */
export function directClient(
  endpoint: string,
  { main, replicas }: TestLogs['tables'],
  options: Partial<TableClientOptions> = {},
): TenureClient {
  const dynamodb = localDynamoDb(endpoint);
  return tableClient({
    table: { name: main, dynamodb },
    replicas: replicas.map((name) => ({ name, dynamodb: localDynamoDb(endpoint) })),
    ...options,
  });
}

/** A request of the API in direct mode, with the status that the API would answer. */
export function directly(client: TenureClient): Call {
  return async (method, path, body = {}, headers = {}) => {
    const [address = '', search = ''] = path.split('?');
    const operations: readonly Operation[] = Object.values(catalogue);
    const operation = operations.find((one) => one.method === method && pattern(one.path).test(address));
    if (!operation) return { status: 405, body: {} };
    const { 'Idempotency-Key': idempotencyKey, ...others } = headers;
    const request = {
      params: { ...pattern(operation.path).exec(address)?.groups },
      query: Object.fromEntries(new URLSearchParams(search)),
      body,
      headers: others,
      retry: false,
      ...(idempotencyKey !== undefined && { idempotencyKey }),
    };
    try {
      return { status: operation.status ?? 200, body: await client.call(operation, request as never) };
    } catch (error) {
      if (!(error instanceof TenureError)) throw error;
      const { status, code, retryable, members } = error;
      return { status, body: { code, retryable, ...members } };
    }
  };
}

const pattern = (path: string) => new RegExp(`^${path.replaceAll(/\{(\w+)\}/g, '(?<$1>[^/]+)')}$`);
