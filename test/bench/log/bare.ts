import {
  BatchWriteCommand,
  type DynamoDBDocumentClient,
  PutCommand,
  QueryCommand,
  UpdateCommand,
} from '@aws-sdk/lib-dynamodb';
import { createReplicaTable } from '../../support/log/tables.ts';
import { createMainTable, localDocuments } from '../../support/main-table.ts';

const pk = 'bare';
/** DynamoDB takes no more items in one batch. */
const batched = 25;

/** The same entries on three tables without any agreement: who writes two values at one position loses one of them. */
export interface Bare {
  /** Counts on, as the sequencer does, then puts the entries on all tables; returns once two of them have them. */
  append(entries: readonly Uint8Array[]): Promise<void>;
  /** Copies a table to a new one, item by item. */
  copy(): Promise<void>;
}

export async function bareLog(endpoint: string): Promise<Bare> {
  const client = localDocuments(endpoint);
  const counter = await createMainTable(endpoint);
  const tables = await Promise.all([1, 2, 3].map(() => createReplicaTable(endpoint)));
  const [first = ''] = tables;

  const next = async (count: number): Promise<number> => {
    const { Attributes } = await client.send(
      new UpdateCommand({
        TableName: counter,
        Key: { pk, sk: 'SEQUENCER' },
        UpdateExpression: 'ADD #next :count',
        ExpressionAttributeNames: { '#next': 'next' },
        ExpressionAttributeValues: { ':count': count },
        ReturnValues: 'ALL_NEW',
      }),
    );
    return Number(Attributes?.['next']) - count;
  };

  const put = async (TableName: string, items: readonly Record<string, unknown>[]) => {
    const [Item] = items;
    if (items.length === 1) return void (await client.send(new PutCommand({ TableName, Item })));
    const batches = Array.from({ length: Math.ceil(items.length / batched) }, (_, at) =>
      items.slice(at * batched, (at + 1) * batched),
    );
    await Promise.all(batches.map((batch) => putBatch(client, TableName, batch)));
  };

  return {
    async append(entries) {
      const position = await next(entries.length);
      const items = entries.map((data, at) => ({ pk, sk: String(position + at).padStart(20, '0'), data }));
      await twoOf(tables.map((table) => put(table, items)));
    },
    async copy() {
      const target = await createReplicaTable(endpoint);
      let ExclusiveStartKey: Record<string, unknown> | undefined;
      do {
        const page = await client.send(
          new QueryCommand({
            TableName: first,
            KeyConditionExpression: 'pk = :pk',
            ExpressionAttributeValues: { ':pk': pk },
            ConsistentRead: true,
            ExclusiveStartKey,
          }),
        );
        const { Items = [] } = page;
        for (let at = 0; at < Items.length; at += batched) {
          await putBatch(client, target, Items.slice(at, at + batched));
        }
        ExclusiveStartKey = page.LastEvaluatedKey;
      } while (ExclusiveStartKey);
    },
  };
}

async function putBatch(client: DynamoDBDocumentClient, table: string, items: readonly Record<string, unknown>[]) {
  const requests = items.map((Item) => ({ PutRequest: { Item } }));
  const { UnprocessedItems } = await client.send(new BatchWriteCommand({ RequestItems: { [table]: requests } }));
  if (UnprocessedItems?.[table]) throw new Error(`${table} left ${UnprocessedItems[table]?.length} items unprocessed`);
}

/** As a quorum of three: the slowest one may still be under way. */
function twoOf(writes: readonly Promise<unknown>[]): Promise<void> {
  return new Promise((resolve, reject) => {
    let done = 0;
    for (const write of writes) {
      write.then(() => {
        done += 1;
        if (done === 2) resolve();
      }, reject);
    }
  });
}
