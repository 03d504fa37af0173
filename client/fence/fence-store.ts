/** Where a service remembers the highest fencing version that it has seen of each guarded name. */
import { fenceSql, type PgClient, type PgPool } from './sql.ts';

export interface FenceStore {
  /** Raises the highest version seen under `name` to at least `version`, and returns the highest. */
  raise(name: string, version: number): Promise<number>;
}

/**
 * Remembers versions in this process: enough for a service that runs as one process, until it restarts.
 *
 * @example
 * ```ts
 * import { fetchFence, memoryFenceStore } from 'tenure/fence';
 *
 * const refuse = fetchFence({ store: memoryFenceStore(), name: 'orders' });
 * ```
 */
export function memoryFenceStore(): FenceStore {
  const highest = new Map<string, number>();
  return {
    async raise(name, version) {
      const now = Math.max(version, highest.get(name) ?? 0);
      highest.set(name, now);
      return now;
    },
  };
}

/**
 * Remembers versions in the table of `fenceSql.create`, for services of several processes.
 *
 * @example
 * ```ts
 * import { Pool } from 'pg';
 * import { fetchFence, postgresFenceStore } from 'tenure/fence';
 *
 * const refuse = fetchFence({ store: postgresFenceStore(new Pool()), name: 'orders' });
 * ```
 */
export function postgresFenceStore(db: PgPool | PgClient): FenceStore {
  const run = async (text: string, values: unknown[]) => {
    if (!('totalCount' in db)) return (await db.query(text, values)).rows;
    const client = await db.connect();
    try {
      return (await client.query(text, values)).rows;
    } finally {
      client.release();
    }
  };
  return {
    async raise(name, version) {
      const raised = await run(fenceSql.raise, [name, version]);
      const [row] = raised.length > 0 ? raised : await run(fenceSql.current, [name]);
      return Number(row?.['version']);
    },
  };
}

/** The client of `@aws-sdk/lib-dynamodb`, or one with the same `send`. */
export interface DocumentClient {
  // biome-ignore lint/suspicious/noExplicitAny: the commands of two packages, which need not be installed
  send(command: any): Promise<any>;
}

/**
 * Remembers versions in a DynamoDB table whose partition key is `pk`, a string, and that has no sort key. One write
 * unit a call.
 *
 * @example
 * ```ts
 * import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
 * import { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb';
 * import { dynamoFenceStore, fetchFence } from 'tenure/fence';
 *
 * const client = DynamoDBDocumentClient.from(new DynamoDBClient());
 * const refuse = fetchFence({ store: dynamoFenceStore(client, 'fences'), name: 'orders' });
 * ```
 */
export function dynamoFenceStore(client: DocumentClient, table: string): FenceStore {
  return {
    async raise(name, version) {
      const { UpdateCommand } = await import('@aws-sdk/lib-dynamodb');
      try {
        await client.send(
          new UpdateCommand({
            TableName: table,
            Key: { pk: `FENCE#${name}` },
            UpdateExpression: 'SET version = :version',
            ConditionExpression: 'attribute_not_exists(version) OR version <= :version',
            ExpressionAttributeValues: { ':version': version },
            ReturnValuesOnConditionCheckFailure: 'ALL_OLD',
          }),
        );
        return version;
      } catch (error) {
        const { name: kind, Item } = error as { name?: string; Item?: { version?: { N?: string } | number } };
        if (kind !== 'ConditionalCheckFailedException') throw error;
        const seen = Item?.version;
        return Number(typeof seen === 'object' ? seen.N : seen);
      }
    },
  };
}
