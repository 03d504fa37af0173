/** The DynamoDB requests of workers and their mailboxes. */
import {
  DeleteCommand,
  type DynamoDBDocumentClient,
  PutCommand,
  QueryCommand,
  UpdateCommand,
} from '@aws-sdk/lib-dynamodb';
import { groupKey } from '../leadership/keys.ts';
import { conditional } from '../platform/conditional.ts';
import type { Worker } from './backup.ts';
import { commandKey, commandPrefix, workerKey, workerPrefix } from './keys.ts';
import type { Posted, WorkerStore } from './worker-store.ts';

const dayMs = 24 * 3_600_000;
const ttl = (at: number) => Math.floor(at / 1000);

/** Binds the worker port to the main table. Workers and commands that nobody looked after go by TTL. */
export function workerTable(client: DynamoDBDocumentClient, table: string): WorkerStore {
  const query = async (group: string, prefix: string) => {
    const items: Record<string, unknown>[] = [];
    let from: Record<string, unknown> | undefined;
    do {
      const { Items = [], LastEvaluatedKey } = await client.send(
        new QueryCommand({
          TableName: table,
          KeyConditionExpression: 'pk = :pk AND begins_with(sk, :prefix)',
          ExpressionAttributeValues: { ':pk': groupKey(group), ':prefix': prefix },
          ConsistentRead: true,
          ...(from ? { ExclusiveStartKey: from } : {}),
        }),
      );
      items.push(...Items);
      from = LastEvaluatedKey;
    } while (from);
    return items;
  };

  const removed = async (Key: Record<string, unknown>) => {
    const { Attributes } = await client.send(new DeleteCommand({ TableName: table, Key, ReturnValues: 'ALL_OLD' }));
    return Attributes;
  };

  return {
    async touch(group, { worker, host, lastSeenAt, pollAfterMs }) {
      const { Attributes } = await client.send(
        new UpdateCommand({
          TableName: table,
          Key: workerKey(group, worker),
          UpdateExpression: 'SET worker = :worker, host = :host, lastSeenAt = :seen, pollAfterMs = :poll, #ttl = :ttl',
          ExpressionAttributeNames: { '#ttl': 'ttl' },
          ExpressionAttributeValues: {
            ':worker': worker,
            ':host': host,
            ':seen': lastSeenAt,
            ':poll': pollAfterMs,
            ':ttl': ttl(lastSeenAt + dayMs),
          },
          ReturnValues: 'ALL_NEW',
        }),
      );
      return toWorker(Attributes ?? {});
    },

    async remove(group, worker) {
      const item = await removed(workerKey(group, worker));
      return item && toWorker(item);
    },

    list: async (group) => (await query(group, workerPrefix)).map(toWorker),

    async occupy(group, worker, backupId) {
      await conditional(() =>
        client.send(
          new UpdateCommand({
            TableName: table,
            Key: workerKey(group, worker),
            UpdateExpression: backupId === undefined ? 'REMOVE busyWith' : 'SET busyWith = :backup',
            ConditionExpression: 'attribute_exists(pk)',
            ...(backupId === undefined ? {} : { ExpressionAttributeValues: { ':backup': backupId } }),
          }),
        ),
      );
    },

    async post(group, worker, posted, expiresAt) {
      const key = commandKey(group, worker, posted.command.commandId);
      await client.send(
        new PutCommand({ TableName: table, Item: { ...key, posted, ttl: ttl(expiresAt + dayMs), expiresAt } }),
      );
    },

    mailbox: async (group, worker) => (await query(group, commandPrefix(worker))).map(({ posted }) => posted as Posted),

    async take(group, worker, commandId) {
      const item = await removed(commandKey(group, worker, commandId));
      return item?.['posted'] as Posted | undefined;
    },
  };
}

function toWorker({ worker, host, lastSeenAt, pollAfterMs, busyWith }: Record<string, unknown>): Worker {
  return { worker, host, lastSeenAt, pollAfterMs, busyWith } as Worker;
}
