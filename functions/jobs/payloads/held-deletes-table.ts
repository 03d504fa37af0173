/**
 * The DynamoDB requests of held deletes. Nothing here deletes an item: no function may; what is done gets a time to
 * live.
 */
import {
  type DynamoDBDocumentClient,
  GetCommand,
  PutCommand,
  QueryCommand,
  UpdateCommand,
} from '@aws-sdk/lib-dynamodb';
import { mapConcurrent } from '../../../archive/map-concurrent.ts';
import { groupKey } from '../../../leadership/keys.ts';
import { conditional } from '../../../store/conditional.ts';
import { toJob } from '../job-item.ts';
import { jobKey, jobPrefix } from '../keys.ts';
import type { DeferredDelete, HeldDeletes } from './held-deletes.ts';

const holdKey = (group: string) => ({ pk: groupKey(group), sk: 'DELETES-HELD' });
const deferredPrefix = (backupId: string) => `DELETE#${backupId}#`;
const deferredKey = (group: string, backupId: string, { jobId, payloadId }: DeferredDelete) => ({
  pk: groupKey(group),
  sk: `${deferredPrefix(backupId)}${jobId}#${payloadId}`,
});

/** A deferred delete that nobody carries out goes; the orphan collector has long taken its payload then. */
const deferredSeconds = 30 * 24 * 3_600;
const pageSize = 500;

export function heldDeletesTable(client: DynamoDBDocumentClient, table: string): HeldDeletes {
  const update = (
    Key: Record<string, string>,
    UpdateExpression: string,
    ConditionExpression: string,
    backupId: string,
  ) =>
    conditional(() =>
      client.send(
        new UpdateCommand({
          TableName: table,
          Key,
          UpdateExpression,
          ConditionExpression,
          ExpressionAttributeValues: { ':backup': backupId },
        }),
      ),
    );

  // One by one: a batch would need a permission that also deletes.
  const write = (items: readonly Record<string, unknown>[]) =>
    mapConcurrent(items, 8, (Item) => client.send(new PutCommand({ TableName: table, Item })));

  const query = async (group: string, prefix: string, after: string | undefined, filter: string, values: object) => {
    const { Items = [], LastEvaluatedKey } = await client.send(
      new QueryCommand({
        TableName: table,
        KeyConditionExpression: 'pk = :pk AND begins_with(sk, :prefix)',
        FilterExpression: filter,
        ExpressionAttributeValues: { ':pk': groupKey(group), ':prefix': prefix, ...values },
        ...(after === undefined ? {} : { ExclusiveStartKey: { pk: groupKey(group), sk: after } }),
        ConsistentRead: true,
        Limit: pageSize,
      }),
    );
    return { Items, last: LastEvaluatedKey?.['sk'] as string | undefined };
  };

  return {
    async hold(group, backupId) {
      const free = 'attribute_not_exists(backupId) OR backupId = :backup';
      return (await update(holdKey(group), 'SET backupId = :backup', free, backupId)).won !== undefined;
    },

    async heldBy(group) {
      const { Item } = await client.send(
        new GetCommand({ TableName: table, Key: holdKey(group), ConsistentRead: true }),
      );
      return Item?.['backupId'] as string | undefined;
    },

    async holdJob({ group, jobId }, backupId) {
      const { won, lost } = await conditional(() =>
        client.send(
          new UpdateCommand({
            TableName: table,
            Key: jobKey(group, jobId),
            UpdateExpression: 'SET heldBy = :backup',
            // A value that is not a string was not written by Tenure.
            ConditionExpression: 'attribute_exists(pk) AND (heldBy = :backup OR NOT attribute_type(heldBy, :string))',
            ExpressionAttributeValues: { ':backup': backupId, ':string': 'S' },
            ReturnValues: 'ALL_NEW',
            ReturnValuesOnConditionCheckFailure: 'ALL_OLD',
          }),
        ),
      );
      return toJob(won ? won.Attributes : lost[0]?.item);
    },

    async defer(group, backupId, deletes, now) {
      const ttl = Math.floor(now / 1_000) + deferredSeconds;
      await write(deletes.map((one) => ({ ...deferredKey(group, backupId, one), ...one, ttl })));
    },

    async listHeldJobs(group, backupId, after) {
      const { Items, last } = await query(group, jobPrefix, after, 'heldBy = :backup', { ':backup': backupId });
      return { items: Items.map((item) => String(item['sk']).slice(jobPrefix.length)), last };
    },

    async releaseJob({ group, jobId }, backupId) {
      await update(jobKey(group, jobId), 'REMOVE heldBy', 'heldBy = :backup', backupId);
    },

    async listDeferred(group, backupId, after) {
      const { Items, last } = await query(group, deferredPrefix(backupId), after, 'attribute_not_exists(done)', {});
      const items = Items.map((item) => ({ jobId: String(item['jobId']), payloadId: String(item['payloadId']) }));
      return { items, last };
    },

    async markDone(group, backupId, deletes, now) {
      const ttl = Math.floor(now / 1_000);
      await write(deletes.map((one) => ({ ...deferredKey(group, backupId, one), ...one, done: true, ttl })));
    },

    async release(group, backupId) {
      await update(holdKey(group), 'REMOVE backupId', 'backupId = :backup', backupId);
    },
  };
}
