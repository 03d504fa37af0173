/** The DynamoDB requests of the registry of logs. */
import { isDeepStrictEqual } from 'node:util';
import {
  type DynamoDBDocumentClient,
  GetCommand,
  PutCommand,
  paginateQuery,
  QueryCommand,
  TransactWriteCommand,
  type TransactWriteCommandInput,
  UpdateCommand,
} from '@aws-sdk/lib-dynamodb';
import { groupKey, groupsIndex, indexQuery } from '../../../leadership/keys.ts';
import { conditional } from '../../../store/conditional.ts';
import type { LogRegistry, RegisteredLog } from '../protocol/registry.ts';
import type { Hold } from '../protocol/sequencer.ts';
import { logPrefix, logsPartition, registryKey, sequencerKey } from './keys.ts';

type Item = Record<string, unknown>;

/** Queries of one listing. */
const mostPages = 20;

/** Binds the registry to the main table. */
export function logRegistryTable(client: DynamoDBDocumentClient, table: string): LogRegistry {
  const get = async (group: string, log: string, Key = registryKey(group, log)): Promise<Item | undefined> => {
    const { Item } = await client.send(new GetCommand({ TableName: table, Key, ConsistentRead: true }));
    return Item;
  };

  const transact = (items: NonNullable<TransactWriteCommandInput['TransactItems']>) =>
    conditional(() => client.send(new TransactWriteCommand({ TransactItems: items })));

  /** Has the sequencer follow the new version, without the writer that was elected by the old majorities. */
  const closing = async (group: string, log: string, from: number, to: number) => {
    if (from === to) return [];
    const Key = sequencerKey(group, log);
    const { Item } = await client.send(new GetCommand({ TableName: table, Key, ConsistentRead: true }));
    const hasWriter = Item?.['revision'] !== undefined;
    const close = {
      TableName: table,
      Key,
      UpdateExpression: `SET configuration = :to${hasWriter ? ', closed = :closed, revision = revision + :one' : ''}`,
      ConditionExpression: `configuration = :from AND ${hasWriter ? 'attribute_exists' : 'attribute_not_exists'}(revision)`,
      ExpressionAttributeValues: { ':from': from, ':to': to, ...(hasWriter && { ':closed': true, ':one': 1 }) },
    };
    return [{ Update: close }];
  };

  return {
    read: async (group, log) => toLog(await get(group, log)),

    async create({ group, log, autoInitialize, createdAt, configuration }) {
      const record = {
        Update: {
          TableName: table,
          Key: registryKey(group, log),
          UpdateExpression:
            'SET autoInitialize = :auto, createdAt = :at, configuration = :configuration, #partition = :logs, #group = :group REMOVE #ttl',
          ConditionExpression: 'attribute_not_exists(createdAt)',
          ExpressionAttributeNames: {
            '#partition': groupsIndex.partitionKey,
            '#group': groupsIndex.sortKey,
            '#ttl': 'ttl',
          },
          ExpressionAttributeValues: {
            ':auto': autoInitialize,
            ':at': createdAt,
            ':configuration': configuration,
            ':logs': logsPartition,
            ':group': group,
          },
        },
      };
      const sequencer = {
        Update: {
          TableName: table,
          Key: sequencerKey(group, log),
          UpdateExpression: 'SET configuration = :version REMOVE #ttl',
          ExpressionAttributeNames: { '#ttl': 'ttl' },
          ExpressionAttributeValues: { ':version': configuration.version },
        },
      };
      const { won } = await transact([record, sequencer]);
      const there = toLog(await get(group, log));
      if (!there) throw new Error(`The log "${log}" of "${group}" was neither created nor there`);
      return { created: won !== undefined || there.createdAt === createdAt, log: there };
    },

    async configure(group, log, from, to) {
      const record = {
        Update: {
          TableName: table,
          Key: registryKey(group, log),
          UpdateExpression: 'SET configuration = :to',
          ConditionExpression: 'configuration = :from',
          ExpressionAttributeValues: { ':from': from, ':to': to },
        },
      };
      const { won } = await transact([record, ...(await closing(group, log, from.version, to.version))]);
      if (won) return true;
      return isDeepStrictEqual(toLog(await get(group, log))?.configuration, to);
    },

    async forget(group, log, now) {
      const ttl = Math.floor(now / 1_000);
      for (const key of [registryKey(group, log), sequencerKey(group, log)]) {
        await client.send(new PutCommand({ TableName: table, Item: { ...key, ttl } }));
      }
    },

    async list(group, after, limit) {
      const items: RegisteredLog[] = [];
      let last = after;
      // The records of logs that are gone are passed over until their time to live takes them.
      for (let page = 0; page < mostPages && items.length < limit; page += 1) {
        const found = await client.send(
          new QueryCommand({
            TableName: table,
            KeyConditionExpression: 'pk = :pk AND begins_with(sk, :prefix)',
            ExpressionAttributeValues: { ':pk': groupKey(group), ':prefix': logPrefix },
            ...(last === undefined ? {} : { ExclusiveStartKey: registryKey(group, last) }),
            ConsistentRead: true,
            Limit: limit - items.length,
          }),
        );
        items.push(...(found.Items ?? []).flatMap((item) => toLog(item) ?? []));
        if (!found.LastEvaluatedKey) return { items };
        last = nameIn(found.LastEvaluatedKey);
      }
      return last === undefined ? { items } : { items, last };
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
            Key: sequencerKey(group, log),
            UpdateExpression: 'SET #hold = :hold',
            ConditionExpression:
              'attribute_exists(configuration) AND (attribute_not_exists(#hold) OR #hold.backupId = :backupId)',
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

    held: async (group, log) => (await get(group, log, sequencerKey(group, log)))?.['hold'] as Hold | undefined,

    async release(group, log, backupId) {
      await conditional(() =>
        client.send(
          new UpdateCommand({
            TableName: table,
            Key: sequencerKey(group, log),
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
  const { group, autoInitialize, createdAt, configuration } = item;
  return { group, log: nameIn(item), autoInitialize, createdAt, configuration } as RegisteredLog;
}

const nameIn = (item: Item) => String(item['sk']).slice(logPrefix.length);
