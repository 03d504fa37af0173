/** The DynamoDB requests of the clean-up. Only finished jobs are in the index that it lists. */
import {
  type DynamoDBDocumentClient,
  GetCommand,
  QueryCommand,
  TransactWriteCommand,
  UpdateCommand,
} from '@aws-sdk/lib-dynamodb';
import { groupsIndex, indexQuery } from '../../../leadership/keys.ts';
import { conditional } from '../../../store/conditional.ts';
import type { JobName } from '../job.ts';
import { checkpointSlots } from '../job-item.ts';
import { cleanUpPartition, jobCountKey, jobKey, jobPrefix } from '../keys.ts';
import { notStateLocked } from '../state-locks-table.ts';
import type { CleanUpStore } from './clean-up.ts';

const placeKey = (group = '') => ({ pk: 'CLEAN-UP', sk: `PLACE#${group}` });

export function cleanUpTable(client: DynamoDBDocumentClient, table: string): CleanUpStore {
  const list = async (limit: number, groups: readonly ['>' | '=', string] | undefined, after: string | undefined) => {
    const query = indexQuery(table, cleanUpPartition);
    const { Items = [], LastEvaluatedKey } = await client.send(
      new QueryCommand({
        ...query,
        ...(groups && {
          KeyConditionExpression: `${query.KeyConditionExpression} AND #group ${groups[0]} :group`,
          ExpressionAttributeNames: { ...query.ExpressionAttributeNames, '#group': groupsIndex.sortKey },
          ExpressionAttributeValues: { ...query.ExpressionAttributeValues, ':group': groups[1] },
        }),
        ...(after === undefined ? {} : { ExclusiveStartKey: JSON.parse(after) }),
        Limit: limit,
      }),
    );
    const items = Items.map((item) => ({
      group: String(item[groupsIndex.sortKey]),
      jobId: String(item['sk']).slice(jobPrefix.length),
    }));
    return { items, last: LastEvaluatedKey && JSON.stringify(LastEvaluatedKey) };
  };
  return {
    listOwed: (behindGroup, limit) =>
      list(limit, behindGroup === undefined ? undefined : ['>', behindGroup], undefined),

    listOwedOf: (group, after, limit) => list(limit, ['=', group], after),

    async readPlace(group) {
      const { Item } = await client.send(
        new GetCommand({ TableName: table, Key: placeKey(group), ConsistentRead: true }),
      );
      return Item?.['after'] as string | undefined;
    },

    async writePlace(place, group) {
      await client.send(
        new UpdateCommand({
          TableName: table,
          Key: placeKey(group),
          UpdateExpression: place === undefined ? 'REMOVE #after' : 'SET #after = :after',
          ExpressionAttributeNames: { '#after': 'after' },
          ...(place === undefined ? {} : { ExpressionAttributeValues: { ':after': place } }),
        }),
      );
    },

    async cleaned(name, ttl) {
      const Update = cleanedUpdate(table, name, ttl);
      const oneLess = {
        TableName: table,
        Key: jobCountKey(name.group),
        UpdateExpression: 'SET #count = if_not_exists(#count, :one) - :one',
        ExpressionAttributeNames: { '#count': 'count' },
        ExpressionAttributeValues: { ':one': 1 },
      };
      const TransactItems = [{ Update }, { Update: oneLess }];
      await conditional(() => client.send(new TransactWriteCommand({ TransactItems })));
    },
  };
}

function cleanedUpdate(table: string, { group, jobId }: JobName, ttl: number | undefined) {
  return {
    TableName: table,
    Key: jobKey(group, jobId),
    UpdateExpression: [
      `SET #state = :cleaned, checkpoints = :none${ttl === undefined ? '' : ', #ttl = :ttl'}`,
      'REMOVE graph, #indexed, #group',
    ].join(' '),
    ConditionExpression: [
      '#state = :finished AND attribute_not_exists(heldBy) AND attribute_not_exists(cleanUp)',
      notStateLocked,
      ...(ttl === undefined ? [] : ['size(savepoints) = :zero']),
    ].join(' AND '),
    ExpressionAttributeNames: {
      '#state': 'state',
      '#indexed': groupsIndex.partitionKey,
      '#group': groupsIndex.sortKey,
      ...(ttl === undefined ? {} : { '#ttl': 'ttl' }),
    },
    ExpressionAttributeValues: {
      ':finished': 'FINISHED',
      ':cleaned': 'CLEANED',
      ':none': Array.from({ length: checkpointSlots }, () => null),
      ...(ttl === undefined ? {} : { ':ttl': ttl, ':zero': 0 }),
    },
  };
}
