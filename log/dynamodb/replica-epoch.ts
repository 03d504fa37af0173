import { DescribeTableCommand, type DynamoDBClient } from '@aws-sdk/client-dynamodb';
import type { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb';
import { isUnavailable } from '../../store/store-errors.ts';

/**
 * When a table was created, in epoch ms: a record that was written for another table of the same name does not count.
 */
export interface Epoch {
  /** Asks the table. */
  fresh(): Promise<number>;
  /**
   * From memory, unless that is old or the record at hand says something else. An old one stands while the table cannot
   * be asked: DescribeTable is throttled by account, and a table that was replaced answers it.
   */
  current(recorded?: number): Promise<number>;
}

/** No table is deleted and brought back from a backup in less. */
const knownMs = 30_000;

/** A table that is gone, or whose age cannot be told, is none to continue with. */
function keptThrough(error: unknown, epoch: number): number {
  if (isUnavailable(error)) return epoch;
  throw error;
}

/** One for all logs of a table, so that it is seldom asked. */
export function tableEpoch(client: DynamoDBDocumentClient, table: string): Epoch {
  let epoch: number | undefined;
  let askedAt = 0;
  const fresh = async () => {
    const now = Date.now();
    const { Table } = await (client as unknown as DynamoDBClient).send(new DescribeTableCommand({ TableName: table }));
    const created = Table?.CreationDateTime?.getTime();
    if (created === undefined) throw new Error(`Table "${table}" does not say when it was created`);
    epoch = created;
    askedAt = now;
    return created;
  };
  return {
    fresh,
    async current(recorded) {
      const stale = epoch === undefined || Date.now() - askedAt > knownMs;
      if (epoch === undefined || (recorded !== undefined && recorded !== epoch)) return fresh();
      const last = epoch;
      return stale ? fresh().catch((error: unknown) => keptThrough(error, last)) : last;
    },
  };
}
