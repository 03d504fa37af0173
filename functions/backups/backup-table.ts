/**
 * The DynamoDB requests of backups. Nothing here deletes an item: no function may; what is over gets a time to live.
 */
import {
  type DynamoDBDocumentClient,
  GetCommand,
  PutCommand,
  QueryCommand,
  TransactWriteCommand,
  UpdateCommand,
} from '@aws-sdk/lib-dynamodb';
import { groupKey, groupsIndex, indexQuery } from '../../leadership/keys.ts';
import { conditional } from '../../store/conditional.ts';
import { keyOf, refuseReusedKey } from '../../store/idempotency.ts';
import type { BackupRecord } from './backup.ts';
import type { BackupStore, Stored } from './backup-store.ts';
import {
  backupKey,
  backupPrefix,
  cleanUpKey,
  cleanUpPartition,
  cleanUpPrefix,
  removedKey,
  requestKey,
  runningKey,
  runningPartition,
} from './keys.ts';

const requestMemorySeconds = 7 * 24 * 3600;
const diskMemorySeconds = 366 * 24 * 3600;
const unchanged = { ConditionExpression: 'revision = :revision' };

/** Binds the backup port to the main table. */
export function backupTable(client: DynamoDBDocumentClient, table: string): BackupStore {
  const put = (record: BackupRecord, revision: number) => ({
    TableName: table,
    Item: { ...backupKey(record.group, record.backupId), revision, record },
  });

  const get = async (Key: Record<string, unknown>) => {
    const { Item } = await client.send(new GetCommand({ TableName: table, Key, ConsistentRead: true }));
    return Item;
  };

  const listed = async (partition: string, after: string | undefined) => {
    const { Items = [], LastEvaluatedKey } = await client.send(
      new QueryCommand({
        ...indexQuery(table, partition),
        ...(after === undefined ? {} : { ExclusiveStartKey: JSON.parse(after) as Record<string, unknown> }),
        Limit: 100,
      }),
    );
    const groups = Items.map((item) => ({ group: String(item[groupsIndex.sortKey]), sk: String(item['sk']) }));
    return { groups, last: LastEvaluatedKey && JSON.stringify(LastEvaluatedKey) };
  };

  return {
    async begin(record) {
      const { group, backupId, requestId, startedAt } = record;
      const marker = {
        ...runningKey(group),
        backupId,
        [groupsIndex.partitionKey]: runningPartition,
        [groupsIndex.sortKey]: group,
      };
      const memory = {
        ...requestKey(group, keyOf(requestId)),
        requestId,
        backupId,
        ttl: Math.floor(startedAt / 1000) + requestMemorySeconds,
      };
      const absent = { ConditionExpression: 'attribute_not_exists(pk)' };
      const { won } = await conditional(() =>
        client.send(
          new TransactWriteCommand({
            TransactItems: [
              { Put: { TableName: table, Item: memory, ...absent } },
              { Put: { TableName: table, Item: marker, ConditionExpression: 'attribute_not_exists(backupId)' } },
              { Put: { ...put(record, 1), ...absent } },
            ],
          }),
        ),
      );
      if (won) return { begun: { record, revision: 1 } };
      const earlier = await this.begunBy(group, requestId);
      if (earlier !== undefined) return { earlier };
      const running = await this.running(group);
      if (running !== undefined) return { running };
      return this.begin(record);
    },

    async read(group, backupId) {
      const item = await get(backupKey(group, backupId));
      return item && toStored(item);
    },

    async replace({ revision }, next) {
      const { won } = await conditional(() =>
        client.send(
          new PutCommand({
            ...put(next, revision + 1),
            ...unchanged,
            ExpressionAttributeValues: { ':revision': revision },
          }),
        ),
      );
      return won !== undefined;
    },

    async settle({ revision }, final) {
      const { group, backupId } = final;
      const { won } = await conditional(() =>
        client.send(
          new TransactWriteCommand({
            TransactItems: [
              {
                Put: {
                  ...put(final, revision + 1),
                  ...unchanged,
                  ExpressionAttributeValues: { ':revision': revision },
                },
              },
              {
                Update: {
                  TableName: table,
                  Key: runningKey(group),
                  UpdateExpression: 'REMOVE backupId, groupsPk, #group',
                  ConditionExpression: 'attribute_not_exists(backupId) OR backupId = :backup',
                  ExpressionAttributeNames: { '#group': groupsIndex.sortKey },
                  ExpressionAttributeValues: { ':backup': backupId },
                },
              },
              { Put: { TableName: table, Item: cleanUpNote(final) } },
            ],
          }),
        ),
      );
      return won !== undefined;
    },

    async remove({ record, revision }, now, requestId) {
      const Update = {
        TableName: table,
        Key: backupKey(record.group, record.backupId),
        // Raised, or a request that read the record would write it again.
        UpdateExpression: 'SET #ttl = :now, revision = :next REMOVE #record',
        ...unchanged,
        ExpressionAttributeNames: { '#ttl': 'ttl', '#record': 'record' },
        ExpressionAttributeValues: { ':revision': revision, ':next': revision + 1, ':now': Math.floor(now / 1000) },
      };
      const note = { TableName: table, Item: { ...cleanUpNote(record), removed: true } };
      const memory = { TableName: table, Item: removedItem(record, now, requestId) };
      const { won } = await conditional(() =>
        client.send(new TransactWriteCommand({ TransactItems: [{ Update }, { Put: note }, { Put: memory }] })),
      );
      return won !== undefined;
    },

    async removed(group, backupId) {
      const item = await get(removedKey(group, backupId));
      return item && { removedAt: Number(item['removedAt']), requestId: String(item['requestId']) };
    },

    async begunBy(group, requestId) {
      const item = await get(requestKey(group, keyOf(requestId)));
      const remembered = item?.['requestId'] as string | undefined;
      refuseReusedKey(remembered, requestId, `POST /v1/groups/${group}/backups`);
      return item && String(item['backupId']);
    },

    async running(group) {
      const item = await get(runningKey(group));
      return item?.['backupId'] as string | undefined;
    },

    async count(group, most) {
      let counted = 0;
      let after: Record<string, unknown> | undefined;
      do {
        const { Count = 0, LastEvaluatedKey } = await client.send(
          new QueryCommand({
            TableName: table,
            KeyConditionExpression: 'pk = :pk AND begins_with(sk, :prefix)',
            FilterExpression: 'attribute_exists(#record)',
            ExpressionAttributeNames: { '#record': 'record' },
            ExpressionAttributeValues: { ':pk': groupKey(group), ':prefix': backupPrefix },
            Select: 'COUNT',
            ...(after && { ExclusiveStartKey: after }),
          }),
        );
        counted += Count;
        after = LastEvaluatedKey;
      } while (after !== undefined && counted < most);
      return counted;
    },

    async list(group, after, limit) {
      const { Items = [], LastEvaluatedKey } = await client.send(
        new QueryCommand({
          TableName: table,
          KeyConditionExpression: 'pk = :pk AND begins_with(sk, :prefix)',
          ExpressionAttributeValues: { ':pk': groupKey(group), ':prefix': backupPrefix },
          ...(after === undefined ? {} : { ExclusiveStartKey: { pk: groupKey(group), sk: after } }),
          ConsistentRead: true,
          ScanIndexForward: false,
          Limit: limit,
        }),
      );
      return {
        items: Items.flatMap((item) => {
          const stored = toStored(item);
          return stored ? [{ ...stored, group, backupId: String(item['sk']).slice(backupPrefix.length) }] : [];
        }),
        last: LastEvaluatedKey?.['sk'] as string | undefined,
      };
    },

    async listRunning(after) {
      const { groups, last } = await listed(runningPartition, after);
      const found = await Promise.all(
        groups.map(async ({ group }) => ({ group, backupId: await this.running(group) })),
      );
      return {
        items: found.flatMap(({ group, backupId }) => (backupId === undefined ? [] : { group, backupId })),
        last,
      };
    },

    async listCleanUps(after) {
      const { groups, last } = await listed(cleanUpPartition, after);
      return { items: groups.map(({ group, sk }) => ({ group, backupId: sk.slice(cleanUpPrefix.length) })), last };
    },

    async cleanedUp({ group, backupId }, seen, now) {
      await conditional(() =>
        client.send(
          new UpdateCommand({
            TableName: table,
            Key: cleanUpKey(group, backupId),
            UpdateExpression: 'SET #ttl = :now REMOVE groupsPk, #group',
            ...(seen === 'removed' ? {} : { ConditionExpression: 'attribute_not_exists(removed)' }),
            ExpressionAttributeNames: { '#ttl': 'ttl', '#group': groupsIndex.sortKey },
            ExpressionAttributeValues: { ':now': Math.floor(now / 1000) },
          }),
        ),
      );
    },
  };
}

function removedItem({ group, backupId, uri }: BackupRecord, now: number, requestId: string) {
  const seconds = uri?.startsWith('file:') ? diskMemorySeconds : requestMemorySeconds;
  return { ...removedKey(group, backupId), removedAt: now, requestId, ttl: Math.floor(now / 1000) + seconds };
}

const cleanUpNote = ({ group, backupId }: BackupRecord) => ({
  ...cleanUpKey(group, backupId),
  [groupsIndex.partitionKey]: cleanUpPartition,
  [groupsIndex.sortKey]: group,
});

/** Undefined for what was removed and waits for its time to live. */
function toStored({ record, revision }: Record<string, unknown>): Stored | undefined {
  return record === undefined ? undefined : { record: record as BackupRecord, revision: revision as number };
}
