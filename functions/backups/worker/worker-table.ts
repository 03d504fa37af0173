/** The DynamoDB requests of workers and their mailboxes. Nothing here deletes an item: no function may; what is over gets a time to live. */
import {
  type DynamoDBDocumentClient,
  GetCommand,
  PutCommand,
  paginateQuery,
  UpdateCommand,
} from '@aws-sdk/lib-dynamodb';
import { groupKey } from '../../leadership/keys.ts';
import { conditional } from '../../platform/conditional.ts';
import type { Worker } from '../backup.ts';
import { commandKey, commandPrefix, workerKey, workerPrefix } from '../keys.ts';
import type { Posted, WorkerStore } from './worker-store.ts';

const dayMs = 24 * 3_600_000;
/** What nobody looked after for a day goes by TTL. */
const ttl = (at: number) => Math.floor((at + dayMs) / 1000);

/** Binds the worker port to the main table. */
export function workerTable(client: DynamoDBDocumentClient, table: string): WorkerStore {
  const get = async (Key: Record<string, unknown>) => {
    const { Item } = await client.send(new GetCommand({ TableName: table, Key, ConsistentRead: true }));
    return Item;
  };

  const query = async (group: string, prefix: string) => {
    const items: Record<string, unknown>[] = [];
    const asked = {
      TableName: table,
      KeyConditionExpression: 'pk = :pk AND begins_with(sk, :prefix)',
      ExpressionAttributeValues: { ':pk': groupKey(group), ':prefix': prefix },
      ConsistentRead: true,
    };
    for await (const { Items = [] } of paginateQuery({ client }, asked)) items.push(...Items);
    return items;
  };

  const remove = (Key: Record<string, unknown>, attribute: 'worker' | 'posted', now: number) =>
    conditional(() =>
      client.send(
        new UpdateCommand({
          TableName: table,
          Key,
          UpdateExpression: 'SET #ttl = :now REMOVE #gone',
          ConditionExpression: 'attribute_exists(#gone)',
          ExpressionAttributeNames: { '#ttl': 'ttl', '#gone': attribute },
          ExpressionAttributeValues: { ':now': Math.floor(now / 1000) },
        }),
      ),
    );

  return {
    async register(group, worker) {
      const item = { ...workerKey(group, worker.worker), worker, ttl: ttl(worker.lastSeenAt) };
      await client.send(new PutCommand({ TableName: table, Item: item }));
    },

    async seen(group, worker, at, expectedAfterMs) {
      const { won } = await conditional(() =>
        client.send(
          new UpdateCommand({
            TableName: table,
            Key: workerKey(group, worker),
            UpdateExpression: 'SET worker.lastSeenAt = :at, worker.expectedAfterMs = :expected, #ttl = :ttl',
            ConditionExpression: 'attribute_exists(worker)',
            ExpressionAttributeNames: { '#ttl': 'ttl' },
            ExpressionAttributeValues: { ':at': at, ':expected': expectedAfterMs, ':ttl': ttl(at) },
          }),
        ),
      );
      return won !== undefined;
    },

    async remove(group, worker, now) {
      await remove(workerKey(group, worker), 'worker', now);
    },

    async find(group, worker) {
      const item = await get(workerKey(group, worker));
      return item?.['worker'] as Worker | undefined;
    },

    list: async (group) =>
      (await query(group, workerPrefix)).flatMap(({ worker }) => (worker as Worker | undefined) ?? []),

    async post(group, worker, posted) {
      const item = { ...commandKey(group, worker, posted.command.commandId), posted, ttl: ttl(posted.expiresAt) };
      await client.send(new PutCommand({ TableName: table, Item: item }));
    },

    async posted(group, worker, commandId) {
      const item = await get(commandKey(group, worker, commandId));
      return item?.['posted'] as Posted | undefined;
    },

    mailbox: async (group, worker) =>
      (await query(group, commandPrefix(worker))).flatMap(({ posted }) => (posted as Posted | undefined) ?? []),

    async answer(group, worker, commandId, answer) {
      const { won } = await conditional(() =>
        client.send(
          new UpdateCommand({
            TableName: table,
            Key: commandKey(group, worker, commandId),
            UpdateExpression: 'SET posted.answer = :answer',
            ConditionExpression:
              'attribute_exists(posted) AND (attribute_not_exists(posted.answer) OR posted.answer.accepted = :accepted)',
            ExpressionAttributeValues: { ':answer': answer, ':accepted': answer.accepted },
            ReturnValues: 'ALL_NEW',
          }),
        ),
      );
      return won?.Attributes?.['posted'] as Posted | undefined;
    },

    async withdraw(group, worker, commandId, now) {
      await remove(commandKey(group, worker, commandId), 'posted', now);
    },
  };
}
