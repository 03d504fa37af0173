import { defaultClockSkewMs } from '../../api/clock-skew.ts';
import { TenureClient } from '../tenure-client.ts';
import { TenureError } from '../tenure-error.ts';
import { systemTime, type Time } from '../time.ts';
import { type OpenTable, tableCarrier } from './table-carrier.ts';
import type { ReplicaOptions, TableOptions } from './table-options.ts';

export interface TableClientOptions {
  readonly table: string | TableOptions;
  /** Tables for the replicas of logs: 1, 3 or 5. Without them operations of logs throw `not_supported`. */
  readonly replicas?: readonly (string | ReplicaOptions)[] | undefined;
  /**
   * How much the clocks of contenders may differ, ms; the same for every contender of a group.
   * @defaultValue 250
   */
  readonly maxClockSkewMs?: number | undefined;
  /** Longest wait for one try, ms; 10,000 unless given. */
  readonly timeoutMs?: number;
  /** Longest time for all tries of a call, ms; 30,000 unless given. */
  readonly deadlineMs?: number;
  readonly time?: Time;
  readonly random?: () => number;
}

/**
 * A client in direct mode: it carries out the operations of leadership on a DynamoDB table, without an API. Each is the
 * same conditional write that the API's functions send, so contenders of both kinds compete for one group correctly.
 * With `replicas` it carries out those of logs, too, and this process is the coordinator of the logs that it writes.
 * Operations of jobs and backups throw a TenureError `not_supported`.
 *
 * Not guaranteed: fairness between contenders whose clocks differ. Contenders compare expiries with their own clocks:
 * one that is ahead by more than `maxClockSkewMs` takes a lease early. Then two processes can believe that they lead,
 * and only the fencing version tells them apart.
 *
 * @example
 * ```ts
 * import { LeaderWatcher, tableClient } from 'tenure';
 *
 * const client = tableClient({ table: 'my-leases' });
 * console.log((await client.observe('orders')).leader?.address);
 * for await (const { leader } of new LeaderWatcher({ client, group: 'orders' })) console.log(leader?.contenderId);
 * ```
 */
export function tableClient({
  table,
  replicas = [],
  maxClockSkewMs = defaultClockSkewMs,
  ...options
}: TableClientOptions): TenureClient {
  const { time = systemTime, random = Math.random } = options;
  const place = typeof table === 'string' ? { name: table } : table;
  const open = async (): Promise<OpenTable> => {
    const { openTable } = await import('./open-table.ts').catch((cause: unknown) => {
      throw withoutSdk(place.name, cause);
    });
    return openTable({ ...place, replicas, maxClockSkewMs, time, random });
  };
  return new TenureClient({ ...options, carrier: tableCarrier(place.name, time, open) });
}

function withoutSdk(table: string, cause: unknown): TenureError {
  const why = cause instanceof Error ? cause.message : String(cause);
  return new TenureError(
    `Table "${table}" needs the AWS SDK (${why}): npm install @aws-sdk/client-dynamodb @aws-sdk/lib-dynamodb.`,
    { code: 'internal', status: 0, retryable: false, request: 'import' },
    { cause },
  );
}
