/** The DynamoDB requests of the registry of logs. */
import {
  type DynamoDBDocumentClient,
  GetCommand,
  PutCommand,
  paginateQuery,
  QueryCommand,
  UpdateCommand,
} from '@aws-sdk/lib-dynamodb';
import { groupKey, groupsIndex, indexQuery } from '../../leadership/keys.ts';
import { conditional } from '../../platform/conditional.ts';
import type { LogRegistry, RegisteredLog } from '../protocol/registry.ts';
import type { Hold } from '../protocol/sequencer.ts';
import { logPrefix, logsPartition, registryKey } from './keys.ts';

type Item = Record<string, unknown>;

/** Binds the registry to the main table. */
export function logRegistryTable(client: DynamoDBDocumentClient, table: string): LogRegistry {
  const get = async (group: string, log: string): Promise<Item | undefined> => {
    const { Item } = await client.send(
      new GetCommand({ TableName: table, Key: registryKey(group, log), ConsistentRead: true }),
    );
    return Item;
  };

  return {
    read: async (group, log) => toLog(await get(group, log)),

    async create({ group, log, autoInitialize, createdAt }) {
      const { won, lost } = await conditional(() =>
        client.send(
          new UpdateCommand({
            TableName: table,
            Key: registryKey(group, log),
            UpdateExpression:
              'SET autoInitialize = :auto, createdAt = :at, #partition = :logs, #group = :group REMOVE #ttl',
            ConditionExpression: 'attribute_not_exists(createdAt)',
            ExpressionAttributeNames: {
              '#partition': groupsIndex.partitionKey,
              '#group': groupsIndex.sortKey,
              '#ttl': 'ttl',
            },
            ExpressionAttributeValues: {
              ':auto': autoInitialize,
              ':at': createdAt,
              ':logs': logsPartition,
              ':group': group,
            },
            ReturnValues: 'ALL_NEW',
            ReturnValuesOnConditionCheckFailure: 'ALL_OLD',
          }),
        ),
      );
      const there = toLog(won?.Attributes ?? lost?.[0]?.item);
      if (!there) throw new Error(`The log "${log}" of "${group}" was neither created nor there`);
      return { created: won !== undefined || there.createdAt === createdAt, log: there };
    },

    async forget(group, log, now) {
      const Item = { ...registryKey(group, log), ttl: Math.floor(now / 1_000) };
      await client.send(new PutCommand({ TableName: table, Item }));
    },

    async list(group, after, limit) {
      const { Items = [], LastEvaluatedKey } = await client.send(
        new QueryCommand({
          TableName: table,
          KeyConditionExpression: 'pk = :pk AND begins_with(sk, :prefix)',
          ExpressionAttributeValues: { ':pk': groupKey(group), ':prefix': logPrefix },
          ...(after === undefined ? {} : { ExclusiveStartKey: registryKey(group, after) }),
          ConsistentRead: true,
          Limit: limit,
        }),
      );
      const items = Items.flatMap((item) => toLog(item) ?? []);
      return LastEvaluatedKey ? { items, last: nameIn(LastEvaluatedKey) } : { items };
    },

    async *listAll() {
      for await (const { Items = [] } of paginateQuery({ client }, indexQuery(table, logsPartition))) {
        for (const item of Items) yield { group: String(item[groupsIndex.sortKey]), log: nameIn(item) };
      }
    },

    async hold(group, log, hold) {
      const { won, lost } = await conditional(() =>
        client.send(
          new UpdateCommand({
            TableName: table,
            Key: registryKey(group, log),
            UpdateExpression: 'SET #hold = :hold',
            ConditionExpression:
              'attribute_exists(createdAt) AND (attribute_not_exists(#hold) OR #hold.backupId = :backupId)',
            ExpressionAttributeNames: { '#hold': 'hold' },
            ExpressionAttributeValues: { ':hold': hold, ':backupId': hold.backupId },
            ReturnValuesOnConditionCheckFailure: 'ALL_OLD',
          }),
        ),
      );
      const standing = won ? hold : lost[0]?.item?.['hold'];
      if (!standing) throw new Error(`The log "${log}" of "${group}" is not there to be held`);
      return standing as Hold;
    },

    held: async (group, log) => (await get(group, log))?.['hold'] as Hold | undefined,

    async release(group, log, backupId) {
      await conditional(() =>
        client.send(
          new UpdateCommand({
            TableName: table,
            Key: registryKey(group, log),
            UpdateExpression: 'REMOVE #hold',
            ConditionExpression: '#hold.backupId = :backupId',
            ExpressionAttributeNames: { '#hold': 'hold' },
            ExpressionAttributeValues: { ':backupId': backupId },
          }),
        ),
      );
    },
  };
}

function toLog(item: Item | undefined): RegisteredLog | undefined {
  if (item?.['createdAt'] === undefined) return undefined;
  const { group, autoInitialize, createdAt } = item;
  return { group, log: nameIn(item), autoInitialize, createdAt } as RegisteredLog;
}

const nameIn = (item: Item) => String(item['sk']).slice(logPrefix.length);
